"""One command at a time in a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from landcover.errors import InputError

LOCK_NAME = ".lock"

_held: dict[Path, int] = {}


def lock(folder: Path) -> None:
    """Keeps commands of other processes out of a folder until `unlock`, or until this process ends, however it does.

    Processes that this one starts do not hold the lock. A file system without locks lets everybody in.

    Args:
        folder: made if it is not there; gets a hidden file.

    Raises:
        InputError: another command is at work there.
    """
    path = folder.absolute() / LOCK_NAME
    if path in _held and path.exists():
        return
    unlock(folder)  # whoever has deleted the folder has deleted the lock
    folder.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # either, says POSIX
        os.close(descriptor)
        raise InputError(
            f"{folder}: expected no other command at work here, found one; wait until it has ended, or choose another "
            "output"
        ) from None
    except OSError:
        pass
    _held[path] = descriptor


def unlock(folder: Path) -> None:
    """Lets other commands in again; the hidden file is gone. Does nothing for a folder that is not locked."""
    path = folder.absolute() / LOCK_NAME
    if path in _held:
        path.unlink(missing_ok=True)
        os.close(_held.pop(path))
