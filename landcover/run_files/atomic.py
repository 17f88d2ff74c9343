"""Files that appear whole or not at all."""

from __future__ import annotations

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
    no listing takes it for data, and keeps the suffix, by which writers choose a format.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes `text` to `path`, atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, content: Any) -> None:  # JSON has no narrower type than this
    """Writes `content` as indented JSON to `path`, atomically; keys keep their order."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")
