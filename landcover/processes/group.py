"""One process or many: torchrun, Slurm, on GPUs (NCCL) or CPUs (gloo)."""

from __future__ import annotations

import atexit
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import count
from typing import Any, TypeVar

import torch
import torch.distributed as dist

Item = TypeVar("Item")

PATIENCE = timedelta(hours=4)
"""How long a process waits for the others. torch's own limit, ten minutes with NCCL, is shorter than what one of them
may do alone: read tens of gigabytes of inputs from a network drive, put a map of a whole scene together. A launcher
ends all processes as soon as one fails, so nothing waits that long for a dead one."""

_handouts = count()  # each has a counter of its own in the group's store


@dataclass(frozen=True)
class Processes:
    """This process's place among those that work together.

    Args:
        rank: 0..world - 1.
        world: number of processes.
        device: where this process computes.
    """

    rank: int
    world: int
    device: torch.device

    @property
    def first(self) -> bool:
        """Whether this process prints and writes what exists once."""
        return self.rank == 0

    def share(self, items: Sequence[Item]) -> list[Item]:
        """This process's share of `items`: every world-th one."""
        return list(items[self.rank :: self.world])

    def on_demand(self, items: Sequence[Item]) -> Iterator[tuple[int, Item]]:
        """Positions and items as this process asks for them: every item goes to one process, a slow one gets fewer.

        All processes must call it, with the same items; they may finish with it at different times.
        """
        if self.world == 1:
            return enumerate(items)
        return self._handed_out(f"landcover/handout {next(_handouts)}", items)

    def _handed_out(self, counter: str, items: Sequence[Item]) -> Iterator[tuple[int, Item]]:
        store = dist.distributed_c10d._get_default_store()  # in the first process, for all of them
        while (position := store.add(counter, 1) - 1) < len(items):
            yield position, items[position]

    def unfinished(self, items: Sequence[Item], finished: Callable[[Item], bool]) -> list[Item]:
        """The items that are not finished, in order, the same in all processes; each looks at its share of them.

        All processes must call it, with the same items; nobody has it before all have looked.
        """
        answers = self.gather([finished(item) for item in self.share(items)])
        return [item for place, item in enumerate(items) if not answers[place % self.world][place // self.world]]

    def gather(self, value: Item) -> list[Item]:
        """`value` of every process by rank, in all of them; all must call it, with what pickle can copy."""
        if self.world == 1:
            return [value]
        values: list[Any] = [None] * self.world
        dist.all_gather_object(values, value)
        return values

    def barrier(self) -> None:
        """Waits for all processes."""
        if self.world > 1:
            dist.barrier()

    def any(self, flag: bool) -> bool:
        """Whether `flag` is true in any process."""
        if self.world == 1:
            return flag
        gathered = torch.tensor([float(flag)], device=self.device)
        dist.all_reduce(gathered)
        return bool(gathered.item() > 0)


def start_processes() -> Processes:
    """Joins the group that torchrun (RANK, WORLD_SIZE, LOCAL_RANK) or srun (with LAUNCHER=slurm) started, if any.

    Safe to call more than once. Without a launcher it is one process on the first GPU, or the CPU if there is none.
    """
    if os.environ.get("LAUNCHER") == "slurm" and "RANK" not in os.environ:
        _take_slurm_variables()
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    device = torch.device("cpu")
    if torch.cuda.is_available():
        # Slurm may show each process its own GPU alone, or all GPUs of the node to each.
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")) % torch.cuda.device_count())
        torch.cuda.set_device(device)
    if world > 1 and not dist.is_initialized():
        backend = "nccl" if device.type == "cuda" else "gloo"
        dist.init_process_group(backend, timeout=PATIENCE)
        if backend == "gloo":
            # Left to the end of the interpreter, its threads now and then abort the process, output and all.
            atexit.register(_leave_group)
    return Processes(rank, world, device)


def _leave_group() -> None:
    if dist.is_initialized():
        dist.destroy_process_group()


def mean_over_processes(value: torch.Tensor) -> torch.Tensor:
    """Mean of a scalar over all processes that train together, without gradient.

    Every process must call it, which holds for losses: outside of training (gradients are off) and with one process
    it is the value itself.
    """
    if not (torch.is_grad_enabled() and dist.is_initialized() and dist.get_world_size() > 1):
        return value
    total = value.detach().clone()
    dist.all_reduce(total)
    return total / dist.get_world_size()


@torch.no_grad()
def rows_of_all_processes(rows: torch.Tensor) -> torch.Tensor:
    """Rows of all processes that train together, those of the first process first: (world N, ...).

    Every process must call it, with N, ... rows alike.
    """
    if not (dist.is_initialized() and dist.get_world_size() > 1):
        return rows
    gathered = [torch.empty_like(rows, memory_format=torch.contiguous_format) for _ in range(dist.get_world_size())]
    dist.all_gather(gathered, rows.contiguous())
    return torch.cat(gathered)


def _take_slurm_variables() -> None:
    # A step may use some nodes of the job alone.
    listed = os.environ.get("SLURM_STEP_NODELIST") or os.environ["SLURM_JOB_NODELIST"]
    nodes = subprocess.run(
        ["scontrol", "show", "hostnames", listed], check=True, capture_output=True, text=True
    ).stdout.split()
    os.environ.update(
        RANK=os.environ["SLURM_PROCID"],
        WORLD_SIZE=os.environ["SLURM_NTASKS"],
        LOCAL_RANK=os.environ["SLURM_LOCALID"],
        MASTER_ADDR=nodes[0],
    )
    counts = _tasks_per_node(os.environ.get("SLURM_STEP_TASKS_PER_NODE", ""))
    if counts:
        os.environ["LOCAL_WORLD_SIZE"] = str(counts[int(os.environ.get("SLURM_NODEID", "0"))])
    # Two jobs may share a node: a port derived from the job keeps them apart.
    os.environ.setdefault("MASTER_PORT", str(20000 + int(os.environ["SLURM_JOB_ID"]) % 20000))


def _tasks_per_node(text: str) -> list[int]:
    """Number of tasks on every node, of Slurm's short form: `4(x2),1` is 4, 4, 1."""
    return [int(count) for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text) for _ in range(int(times or 1))]
