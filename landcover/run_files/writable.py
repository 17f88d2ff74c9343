"""Whether outputs can be written, asked before the work is done."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryFile

from landcover.errors import InputError
from landcover.places import local_path


def check_folder(folder: Path, setting: str, shown: Path | None = None) -> None:
    """Refuses a folder in which no file can be made; one that is not there is not made, its nearest parent counts.

    Args:
        folder: where outputs go.
        setting: what names it, for the message.
        shown: what the message names instead: an output in the folder.

    Raises:
        InputError: it, or what it would lie in, is no folder of this machine or can not be written.
    """
    place = local_path(str(folder), setting).absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise InputError(
            f"{shown or folder}: expected a folder to write to, found that {place} is none; choose another {setting}"
        )
    try:
        # Modes do not tell: root may write anywhere, but not on a read-only disk.
        with TemporaryFile(dir=place):
            pass
    except OSError as error:
        raise InputError(
            f"{shown or folder}: expected a folder to write to, found that no file can be made in {place} "
            f"({error.strerror}); choose another {setting}"
        ) from None


def check_file(path: Path, setting: str, inputs: Iterable[Path | None] = ()) -> None:
    """Refuses a file that can not be written, or that is one of the inputs.

    Args:
        path: output.
        setting: what names it, for the message.
        inputs: files that are read; None for those that are not given.

    Raises:
        InputError: as `check_folder`, or it is a folder or an input.
    """
    if path.is_dir():
        raise InputError(f"{path}: expected a file to write, found a folder; name a file in it as {setting}")
    if any(path.exists() and other and other.exists() and path.samefile(other) for other in inputs):
        raise InputError(f"{path}: expected a file to write, found that it is an input; choose another {setting}")
    check_folder(path.parent, setting, path)
