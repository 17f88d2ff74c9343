"""How many cores a process may use."""

from __future__ import annotations

import os
from pathlib import Path

CPU_QUOTA = Path("/sys/fs/cgroup/cpu.max")
"""What a container may use of the machine's cores (cgroup v2): microseconds per period, or `max`."""


def usable_cores() -> int:
    """Cores that this process may use: those it is bound to, and no more than its container's quota pays for."""
    cores = len(os.sched_getaffinity(0))
    try:
        quota, period = CPU_QUOTA.read_text(encoding="ascii").split()
        return cores if quota == "max" else max(1, min(cores, int(quota) // int(period)))
    except (OSError, ValueError):  # no such file outside of containers, and in older ones
        return cores
