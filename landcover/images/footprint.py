"""Where on the ground an image lies, and which images overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS

from landcover.images.grid import read_grid
from landcover.images.grid_difference import both_placed

TOUCHING = 1e-3
"""Overlap that counts as none, as a share of the smaller side (a pixel of 1024): coordinates are rounded."""


@dataclass(frozen=True)
class Footprint:
    """Bounding box of an image on the ground.

    Args:
        crs: coordinate system, such as `EPSG:32654`; its PROJ string if it has no code, empty if the file names none.
        left, bottom, right, top: in units of the system; left < right and bottom < top.
    """

    crs: str
    left: float
    bottom: float
    right: float
    top: float


def read_footprint(path: Path) -> Footprint | None:
    """Footprint of an image file, None if no transform places it; pixels are not decoded.

    Control points or RPCs alone place no image. The box of a rotated image holds more ground than the image.

    Raises:
        InputError: the file is missing or damaged.
    """
    grid = read_grid(path)
    if not both_placed(grid):
        return None
    corners = [grid.transform @ (column, row) for column in (0, grid.width) for row in (0, grid.height)]
    (left, bottom), (right, top) = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
    if not (np.isfinite(corners).all() and left < right and bottom < top):
        return None
    return Footprint(_name(grid.crs) if grid.crs else "", left, bottom, right, top)


def overlap_groups(footprints: Sequence[Footprint]) -> NDArray[np.int64]:
    """Number (N,) of the group of every footprint: chains of overlapping footprints of one coordinate system.

    Groups are numbered from 0 in the order of their first members. Boxes overlap by more than `TOUCHING` of the smaller
    side, in both directions. Footprints in different systems never overlap here, although two systems can show one
    place.
    """
    low = np.array([[box.left for box in footprints], [box.bottom for box in footprints]])
    high = np.array([[box.right for box in footprints], [box.top for box in footprints]])
    side = high - low
    crs = np.unique([box.crs for box in footprints], return_inverse=True)[1]
    groups = np.full(len(footprints), -1)
    number = 0
    for first in range(len(footprints)):
        if groups[first] >= 0:
            continue
        groups[first] = number
        waiting = [first]
        while waiting:  # each footprint waits once, and is compared with all others in one step
            box = waiting.pop()
            shared = np.minimum(high, high[:, [box]]) - np.maximum(low, low[:, [box]])
            overlaps = (shared > TOUCHING * np.minimum(side, side[:, [box]])).all(axis=0) & (crs == crs[box])
            found = np.flatnonzero(overlaps & (groups < 0))
            groups[found] = number
            waiting.extend(found.tolist())
        number += 1
    return groups


def at_one_place(footprints: Sequence[Footprint]) -> bool:
    """Whether all footprints have a corner in common, as images of any size have whose tags were never filled in."""
    if len({box.crs for box in footprints}) > 1:
        return False
    vertical = min(len({box.left for box in footprints}), len({box.right for box in footprints}))
    horizontal = min(len({box.bottom for box in footprints}), len({box.top for box in footprints}))
    return vertical <= 1 and horizontal <= 1


@lru_cache
def _name(crs: CRS) -> str:
    """One text for a system and all its variants; to search the code of one without takes half a second."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_proj4() or crs.to_wkt()
