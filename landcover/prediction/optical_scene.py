"""The optical image beside a SAR scene, read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from landcover.errors import InputError
from landcover.images.grid import Grid
from landcover.images.source import RasterSource, open_source

SAME_PLACE = 0.01
"""Distance in pixels below which two grids are the same: coordinates are rounded."""


@contextmanager
def open_optical_scene(path: Path, grid: Grid) -> Iterator[RasterSource]:
    """Opens an image of three bands of uint8, with or without alpha, in any format that GDAL reads.

    Args:
        path: its file.
        grid: of the SAR scene, on which it must lie.

    Raises:
        InputError: missing, unreadable, other bands or types, or another grid.
    """
    with open_source(path) as scene:
        if len(scene.bands) not in (3, 4) or scene.dtype != np.uint8:
            raise InputError(
                f"{path}: expected an optical image of 3 bands of uint8, found {len(scene.bands)} of {scene.dtype}; "
                "convert the file"
            )
        _check_grid(path, scene.grid, grid)
        yield scene


def _check_grid(path: Path, found: Grid, grid: Grid) -> None:
    if (found.height, found.width) != (grid.height, grid.width):
        raise InputError(
            f"{path}: expected the {grid.height}x{grid.width} pixels of the SAR scene, found "
            f"{found.height}x{found.width}; resample it to that grid"
        )
    if found.crs and grid.crs and (found.crs != grid.crs or not _same_place(found, grid)):
        raise InputError(
            f"{path}: expected the place of the SAR scene, {tuple(grid.transform)[:6]} in {grid.crs}, found "
            f"{tuple(found.transform)[:6]} in {found.crs}; resample it to that grid"
        )


def _same_place(found: Grid, grid: Grid) -> bool:
    """Whether all corners lie within `SAME_PLACE` pixels."""
    corners = [(0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height)]
    places = [~grid.transform * (found.transform * corner) for corner in corners]
    return all(
        abs(x - column) < SAME_PLACE and abs(y - row) < SAME_PLACE
        for (column, row), (x, y) in zip(corners, places, strict=True)
    )
