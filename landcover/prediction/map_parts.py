"""Parts of a map on disk while it is made, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.raster import TILE, read_raster, write_raster
from landcover.run_files.atomic import write_json
from landcover.run_files.lock import LOCK_NAME, lock, unlock

ROWS = 512
"""Rows of a part."""

MOST_ROUNDS, SHORT_RUN = 4, 4
"""How often equal processes take a run of parts, so that a slow one takes fewer; once if runs were shorter.

Windows over the edge of two runs are predicted twice: one row in nine with windows of 512, steps of 256, four parts.
"""

MADE_FROM = "made_from.json"


@dataclass(frozen=True)
class Part:
    """A block of the map that is finished or not.

    Args:
        rows: of the map.
        columns: of the map.
    """

    rows: slice
    columns: slice

    def follows(self, other: Part) -> bool:
        """Whether it lies right below `other`."""
        return self.columns == other.columns and self.rows.start == other.rows.stop


def cut_into_parts(height: int, width: int, strip: int) -> list[Part]:
    """All parts of a map: strips of about equal width, at most `strip` columns, one after the other from top to bottom.

    Args:
        height: of the map, pixels.
        width: of the map, pixels.
        strip: largest width, a multiple of `TILE`.
    """
    count = -(-width // strip)
    step = -(-width // (count * TILE)) * TILE
    columns = [slice(left, min(left + step, width)) for left in range(0, width, step)]
    rows = [slice(top, min(top + ROWS, height)) for top in range(0, height, ROWS)]
    return [Part(row, column) for column in columns for row in rows]


def runs(parts: Sequence[Part], longest: int | None = None) -> list[list[Part]]:
    """Parts that follow each other, together, at most `longest` of them."""
    groups: list[list[Part]] = []
    for part in parts:
        if groups and part.follows(groups[-1][-1]) and len(groups[-1]) != longest:
            groups[-1].append(part)
        else:
            groups.append([part])
    return groups


def longest_run(parts: int, processes: int) -> int | None:
    """Parts that one of several processes takes at a time; alone it takes all that follow each other, None."""
    rounds = max(1, min(MOST_ROUNDS, parts // (SHORT_RUN * processes)))
    return None if processes == 1 else max(1, -(-parts // (rounds * processes)))


@dataclass(frozen=True)
class PartsFolder:
    """The folder that holds the parts of one map.

    Args:
        folder: where the files go.
        kinds: names of the images that are made of every part; a part is finished when all are there.
    """

    folder: Path
    kinds: Sequence[str]

    def begin(self, made_from: Mapping[str, Any]) -> None:  # JSON values
        """Claims the folder; what a killed run left half-written is removed, finished parts stay.

        Raises:
            InputError: it holds parts that were made from something else, or another command is at work there.
        """
        self.lock()
        if any(path.name != LOCK_NAME for path in self.folder.iterdir()):
            note = self.folder / MADE_FROM
            changed = differences(note.read_text(encoding="utf-8") if note.is_file() else None, made_from)
            if changed:
                unlock(self.folder)
                raise InputError(
                    f"{self.folder}: expected parts of the same map, found those of another ({changed}); "
                    "choose another output, or delete this folder if nobody needs it"
                )
        write_json(self.folder / MADE_FROM, dict(made_from))
        for leftover in self.folder.glob(".[0-9]*.*"):
            leftover.unlink()

    def is_finished(self, part: Part) -> bool:
        """Whether all images of a part are there."""
        return all(self._path(part, kind).is_file() for kind in self.kinds)

    def write(self, part: Part, images: Mapping[str, NDArray[np.uint8]]) -> None:
        """Writes all images (h, w) of a part, which is then finished."""
        for kind in self.kinds:
            write_raster(self._path(part, kind), images[kind])

    def blocks(self, parts: Sequence[Part], kind: str) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
        """First row, first column and pixels of every part."""
        for part in parts:
            yield part.rows.start, part.columns.start, read_raster(self._path(part, kind)).pixels

    def lock(self) -> None:
        """Keeps other commands out until the folder is removed.

        Raises:
            InputError: another command is at work there.
        """
        lock(self.folder)

    def remove(self) -> None:
        """Removes the folder with all parts."""
        unlock(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)  # another command may remove it too

    def _path(self, part: Part, kind: str) -> Path:
        return self.folder / f"{kind}_{part.columns.start:06d}_{part.rows.start:06d}.tif"


def differences(found: str | None, expected: Mapping[str, Any]) -> str:
    """What a file made from other things says: the keys of `expected` that differ in the JSON `found`, or nothing."""
    try:
        content = json.loads(found or "")
    except ValueError:
        content = None
    if not isinstance(content, dict):
        return "of unknown origin"
    # A round trip through JSON, so that tuples and lists compare equal.
    ours = json.loads(json.dumps(expected))
    changed = [key for key in sorted({*ours, *content}) if content.get(key) != ours.get(key)]
    return f"{', '.join(changed)} differ" if len(changed) > 1 else f"{changed[0]} differs" if changed else ""
