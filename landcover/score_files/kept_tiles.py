"""A score file of which several readers want the same tiles, one after the other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.images.raster import TILE
from landcover.score_files.score_file import ScoreFile


class KeptTiles(ScoreFile):
    """A score file that keeps the decoded tiles of all classes at one place of the image, until another is asked for.

    Copying a tile takes little time beside decoding it. For one thread alone.

    Args:
        path: the file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._place = (-1, -1)
        self._tiles: dict[int, NDArray[np.uint8]] = {}

    def read_tile(self, plane: int, row: int, column: int, out: NDArray[np.uint8]) -> None:
        """As `ScoreFile.read_tile`."""
        if self._place != (row, column):
            self._place = (row, column)
            self._tiles.clear()
        if plane not in self._tiles:
            tile = np.empty((TILE, TILE), np.uint8)
            super().read_tile(plane, row, column, tile)
            self._tiles[plane] = tile
        out[:] = self._tiles[plane]
