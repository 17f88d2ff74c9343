"""The optical image beside a SAR scene, read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.errors import InputError
from landcover.prediction.sar_scene import Grid, opened_raster, reason_of

SAME_PLACE = 0.01
"""Distance in pixels below which two grids are the same: coordinates are rounded."""


@contextmanager
def open_optical_scene(path: Path, grid: Grid) -> Iterator[OpticalScene]:
    """Opens an image of three bands of uint8, with or without alpha, in any format that GDAL reads.

    Args:
        path: its file.
        grid: of the SAR scene, on which it must lie.

    Raises:
        InputError: missing, unreadable, other bands or types, or another grid.
    """
    with opened_raster(path) as file:
        yield OpticalScene(path, file, grid)


class OpticalScene:
    """An open image, see `open_optical_scene`."""

    def __init__(self, path: Path, file: DatasetReader, grid: Grid) -> None:
        self.path, self._file = path, file
        if file.count not in (3, 4) or set(file.dtypes[:3]) != {"uint8"}:
            raise InputError(
                f"{path}: expected an optical image of 3 bands of uint8, found {file.count} of {file.dtypes[0]}; "
                "convert the file"
            )
        if (file.height, file.width) != (grid.height, grid.width):
            raise InputError(
                f"{path}: expected the {grid.height}x{grid.width} pixels of the SAR scene, found "
                f"{file.height}x{file.width}; resample it to that grid"
            )
        if file.crs and grid.crs and (file.crs != grid.crs or not _same_place(file, grid)):
            raise InputError(
                f"{path}: expected the place of the SAR scene, {tuple(grid.transform)[:6]} in {grid.crs}, found "
                f"{tuple(file.transform)[:6]} in {file.crs}; resample it to that grid"
            )

    def read(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """RGB (h, w, 3) of a window inside the scene.

        Raises:
            InputError: the file is damaged there.
        """
        try:
            bands = self._file.read((1, 2, 3), window=Window.from_slices(rows, columns))
        except RasterioError as error:
            raise InputError(f"{self.path}: not readable as an image ({reason_of(error)}); fetch it again") from error
        return np.ascontiguousarray(bands.transpose(1, 2, 0))


def _same_place(file: DatasetReader, grid: Grid) -> bool:
    """Whether all corners lie within `SAME_PLACE` pixels."""
    corners = [(0, 0), (grid.width, 0), (0, grid.height), (grid.width, grid.height)]
    places = [~grid.transform * (file.transform * corner) for corner in corners]
    return all(
        abs(x - column) < SAME_PLACE and abs(y - row) < SAME_PLACE
        for (column, row), (x, y) in zip(corners, places, strict=True)
    )
