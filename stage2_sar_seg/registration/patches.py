"""Where the patches of a tile lie."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Patch:
    """A SAR patch and the optical window around it, with equal margins.

    Args:
        row, column: first pixel of the patch in the tile.
        height, width: of the patch.
        search: margin of the window on every side; the window lies in the tile.
    """

    row: int
    column: int
    height: int
    width: int
    search: int

    @property
    def origin(self) -> NDArray[np.float64]:
        """Row and column of its first pixel."""
        return np.array([self.row, self.column], dtype=np.float64)

    @property
    def area(self) -> tuple[slice, slice]:
        """Rows and columns of the patch."""
        return slice(self.row, self.row + self.height), slice(self.column, self.column + self.width)

    @property
    def window(self) -> tuple[slice, slice]:
        """Rows and columns of the window."""
        rows = slice(self.row - self.search, self.row + self.height + self.search)
        return rows, slice(self.column - self.search, self.column + self.width + self.search)


def patches_of(shape: tuple[int, int], side: int, search: int, overlap: float, smallest: int) -> list[Patch]:
    """Patches that cover a tile but for its margin of `search` pixels, in rows; none if it is too small.

    Patches are `side` x `side`, or as large as the tile allows; neighbours share at least `overlap` of it.

    Args:
        shape: height and width of the tile.
        side: of a patch, pixels.
        search: margin of the windows, pixels.
        overlap: share in [0, 1).
        smallest: side below which a patch is none.
    """
    height, width = (min(side, length - 2 * search) for length in shape)
    if min(height, width) < smallest:
        return []
    rows, columns = (
        _starts(length - 2 * search, part, overlap) for length, part in zip(shape, (height, width), strict=True)
    )
    return [Patch(search + row, search + column, height, width, search) for row in rows for column in columns]


def _starts(length: int, side: int, overlap: float) -> list[int]:
    """First pixels of as few parts as cover `length` with that overlap, evenly spread."""
    steps = math.ceil((length - side) / (side * (1 - overlap)))
    return [round(step * (length - side) / steps) for step in range(steps + 1)] if steps else [0]
