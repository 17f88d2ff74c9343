"""How many processes load for a training."""

from __future__ import annotations

import os
from pathlib import Path

from landcover.processes.group import Processes

MAX_WORKERS = 8
"""One loads about 200 SAR crops of 768 pixels a second from deflated files, more than a GPU trains on; the rest is
reserve for slow file systems and larger images."""

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use of the machine's cores (cgroup v2): microseconds per period, or `max`."""


def loader_workers(processes: Processes) -> int:
    """Loader processes of each training process.

    Beside a GPU its share of the cores, less one for itself, 1 to `MAX_WORKERS`. A CPU trains alone: steps take far
    longer than loading and use every core.
    """
    if processes.device.type == "cpu":
        return 0
    on_this_machine = int(os.environ.get("LOCAL_WORLD_SIZE", processes.world))  # set by torchrun
    return max(1, min(MAX_WORKERS, usable_cores() // on_this_machine - 1))


def usable_cores() -> int:
    """Cores that this process may use: those it is bound to, and no more than its container's quota pays for."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no such file outside of containers, and in older ones
        return cores
