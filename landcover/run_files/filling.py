"""A folder that several processes fill together."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.processes.group import Processes
from landcover.run_files.manifest import OutputFolder


@dataclass
class Filling:
    """What is left to do in a folder.

    Args:
        complete: whether all files were there before.
        nothing_to_do: whether they were, and are up to date.

    Attributes:
        files: those that the manifest will list, in the first process; set by whoever fills the folder.
        about: what the manifest tells of them beside; may be set by whoever fills the folder.
    """

    complete: bool
    nothing_to_do: bool
    files: Iterable[Path] | None = None
    about: Mapping[str, Any] | None = None


@contextmanager
def filling(
    output: OutputFolder, processes: Processes, up_to_date: Callable[[], bool] = lambda: True
) -> Iterator[Filling]:
    """Claims the folder for all processes, and writes its manifest when all of them have filled it.

    The first process claims it and writes the manifest; the others wait for both. After an error there is no manifest.

    Args:
        output: the folder.
        processes: those that fill it; all must enter, and leave in the same way.
        up_to_date: asked by the first process of a complete folder: whether nothing in it must be made anew.

    Raises:
        InputError: as `OutputFolder.begin`.
    """
    complete, current = False, False
    if processes.first:
        complete = output.begin()
        current = complete and up_to_date()
    complete, current = processes.gather((complete, current))[0]
    state = Filling(complete, current)
    yield state
    if state.nothing_to_do:
        return
    processes.barrier()
    if processes.first:
        assert state.files is not None, "whoever fills the folder has set them"
        output.finish(state.files, state.about)
    processes.barrier()
