"""Offsets of tiles on disk: one small file per tile while they are sought, all in one when all are found."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.run_files.atomic import write_json

OFFSETS_NAME = "offsets.json"

PARTS_NAME = "offsets"
"""Folder of the small files."""

Record = Mapping[str, Any]
"""JSON values: the fields of `TileOffset`, `pixels` of the tile and `changed_pixels` of its label map."""

Offsets = Mapping[str, Any]
"""Content of `offsets.json`: `method`, `settings`, `made_from` and `tiles`, a `Record` by tile name."""


class OffsetFiles:
    """The offsets in a folder; a tile that is there need not be registered again.

    Args:
        folder: where they are, made for one matcher, its settings and images.
    """

    def __init__(self, folder: Path) -> None:
        self._folder, self._parts = folder, folder / PARTS_NAME

    def read(self, tile: str) -> Record | None:
        """What was found for a tile, None if nothing was."""
        part = self._parts / f"{tile}.json"
        if part.exists():
            return _read(part)
        known: Record | None = self._collected.get(tile)
        return known

    def write(self, tile: str, record: Record) -> None:
        """Keeps what was found for a tile."""
        write_json(self._parts / f"{tile}.json", record)

    def collect(self, tiles: Iterable[str], about: Mapping[str, Any]) -> Path:
        """Writes `offsets.json` with `about` and the offsets of all tiles, which are there; small files are removed."""
        path = self._folder / OFFSETS_NAME
        write_json(path, {**about, "tiles": {tile: self.read(tile) for tile in sorted(tiles)}})
        shutil.rmtree(self._parts, ignore_errors=True)
        return path

    @cached_property
    def _collected(self) -> Mapping[str, Record]:
        path = self._folder / OFFSETS_NAME
        return read_offsets(path)["tiles"] if path.exists() else {}


def read_offsets(path: Path) -> Offsets:
    """Content of an `offsets.json`.

    Raises:
        InputError: the file is damaged.
    """
    return _read(path)


def _read(path: Path) -> dict[str, Any]:
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}; delete the file and run this stage again") from None
