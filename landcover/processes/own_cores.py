"""How many cores each of several processes may use."""

from __future__ import annotations

import os

from landcover.processes.cores import usable_cores
from landcover.processes.group import Processes


def own_cores(processes: Processes) -> int:
    """This process's share of the usable cores, at least one.

    Slurm with `--cpus-per-task` says how many each process has, and may have bound it to them: they are not shared out
    again.
    """
    own = os.environ.get("SLURM_CPUS_PER_TASK", "")
    if own and os.environ.get("LAUNCHER") == "slurm":
        return max(1, min(usable_cores(), int(own)))
    on_this_machine = int(os.environ.get("LOCAL_WORLD_SIZE", processes.world))  # torchrun sets it
    return max(1, usable_cores() // on_this_machine)
