"""How many processes load for a training."""

from __future__ import annotations

from landcover.processes.group import Processes
from landcover.processes.own_cores import own_cores

MAX_WORKERS = 8
"""One loads about 200 SAR crops of 768 pixels a second from deflated files, more than a GPU trains on; the rest is
reserve for slow file systems and larger images."""


def loader_workers(processes: Processes) -> int:
    """Loader processes of each training process.

    Beside a GPU its share of the cores, less one for itself, 1 to `MAX_WORKERS`. A CPU trains alone: steps take far
    longer than loading and use every core.
    """
    if processes.device.type == "cpu":
        return 0
    return max(1, min(MAX_WORKERS, own_cores(processes) - 1))
