"""Work on many items, shared by several processes, with progress."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from landcover.processes.group import Processes
from landcover.processes.own_cores import own_cores
from landcover.processes.progress import Progress, track

Item = TypeVar("Item")
Result = TypeVar("Result")


def on_demand(items: Sequence[Item], label: str, total: int, processes: Processes) -> Iterator[Item]:
    """Yields items as this process asks for them, each in one process, so that a slow one does not hold up the others.

    The first process shows how many all of them have begun.

    Args:
        items: what is left to do, the same in all processes.
        label: what is being done, in a few words.
        total: number of items with those that were done before.
        processes: those that share the work.
    """
    before = total - len(items)
    progress = Progress(label, total, before, quiet=not processes.first)
    try:
        for position, item in processes.on_demand(items):
            yield item
            progress.reach(before + position + 1)
        progress.reach(total)
    finally:
        progress.close()


def results_of_all(
    work: Callable[[Item], Result], items: Sequence[Item], label: str, processes: Processes
) -> list[Result]:
    """Results of all items in their order, in all processes; each works on its share, in as many threads as cores.

    For work outside of Python's lock, such as decompression. The first process shows how far its share is.

    Args:
        work: gives what pickle can copy.
        items: the same in all processes.
        label: what is being done, in a few words.
        processes: those that share the work.
    """
    own = processes.share(items)
    with ThreadPoolExecutor(own_cores(processes)) as pool:
        results = list(track(pool.map(work, own), label, len(own), quiet=not processes.first))
    shares = processes.gather(results)
    return [shares[place % processes.world][place // processes.world] for place in range(len(items))]
