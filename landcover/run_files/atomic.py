"""Files that appear whole or not at all, also where the power fails."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a path to write to; on success it is renamed to `path`, on an error it is removed.

    The temporary file lies beside `path` (a rename is atomic only within one file system), starts with a dot, so that
    no listing takes it for data, and keeps the suffix, by which writers choose a format. `path` is on the disk when
    this ends: a file that is there is whole, so that whoever goes on after a kill or a power cut need not look into it.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def put_in_place(temporary: Path, path: Path) -> None:
    """Renames a file that is complete; its content is on the disk before the name is, and that before this ends."""
    sync(temporary)
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Waits until the content of a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno != errno.EINVAL:  # some network file systems have no such call for folders
            raise
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:  # JSON has no narrower type than this
    """Writes `content` as indented JSON to `path`, atomically; keys keep their order."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
