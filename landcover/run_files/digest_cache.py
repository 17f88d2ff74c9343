"""Digests of files, kept from one stage of a run to the next: data sets are large and are read for them once."""

from __future__ import annotations

import hashlib
import json
import os
import re
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from landcover.run_files.atomic import write_json
from landcover.run_files.writable import check_folder

DIGESTS_NAME = "digests.json"
"""Where a run keeps digests: size, modification time in ns, inode and SHA-256 by absolute path."""

SETTLING_NS = 2_000_000_000
"""A file is trusted to have changed its modification time if that is older than this: the coarsest clocks tick so."""

_ENTRY = re.compile(r"(\d+ -?\d+ \d+) ([0-9a-f]{64})")


class DigestCache:
    """SHA-256 of files by path, size, modification time and inode.

    A file is not read again as long as these four stay; one that was changed without any of them changing would be
    taken for the old one. A file changed within the tick of a coarse clock could be: its digest is not kept before it
    has been left alone for `SETTLING_NS`.

    Args:
        path: keeps the digests. Several processes may use it at the same time: each adds its own to what it finds,
            and what is lost in between is only read again. A damaged file counts as none. None keeps them in memory.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._known = self._read()

    def digests(self, paths: Sequence[Path], finished: bool = False) -> list[str]:
        """SHA-256 of every file, in hex; files that are not known are read in parallel.

        Args:
            paths: the files.
            finished: whether nobody will change them in place, as with files that a stage has just written and only
                ever replaces: they need not settle.
        """

        def digest(path: Path) -> tuple[str, str | None]:
            known = _ENTRY.fullmatch(self._known.get(_name(path), ""))
            if known and known[1] == _identity(path.stat()):
                return known[2], None
            return _hash(path, finished)

        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(digest, paths))
        self._keep({_name(path): entry for path, (_, entry) in zip(paths, found, strict=True) if entry})
        return [value for value, _ in found]

    def _keep(self, entries: dict[str, str]) -> None:
        if entries:
            self._known = {**self._known, **self._read(), **entries}
            if self._path is not None:
                write_json(self._path, self._known)

    def _read(self) -> dict[str, str]:
        """What the file holds; nothing if there is none or it is damaged."""
        if self._path is None:
            return {}
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        whole = isinstance(content, dict) and all(isinstance(e, str) and _ENTRY.fullmatch(e) for e in content.values())
        return content if whole else {}


_cache = DigestCache()


def keep_digests(run_dir: Path | None) -> None:
    """From now on, this process takes digests from the folder of a run, and leaves them there; None: neither.

    Raises:
        InputError: nothing can be written there, neither digests nor what follows them.
    """
    global _cache
    if run_dir:
        check_folder(run_dir, "RUN_DIR")
    _cache = DigestCache(run_dir / DIGESTS_NAME if run_dir else None)


def digests(paths: Sequence[Path], finished: bool = False) -> list[str]:
    """`DigestCache.digests` of the run that `keep_digests` has named."""
    return _cache.digests(paths, finished)


def _name(path: Path) -> str:
    return str(path.absolute())


def _hash(path: Path, finished: bool) -> tuple[str, str | None]:
    """SHA-256 of a file, and its entry for the cache: None if it may be changing."""
    with path.open("rb") as file:
        began, before = time.time_ns(), os.fstat(file.fileno())
        value = hashlib.file_digest(file, "sha256").hexdigest()
        after = os.fstat(file.fileno())
    settled = finished or before.st_mtime_ns < began - SETTLING_NS
    identity = _identity(before)
    return value, f"{identity} {value}" if settled and identity == _identity(after) else None


def _identity(status: os.stat_result) -> str:
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ino}"
