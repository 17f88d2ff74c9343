"""A SAR scene of any size, read window by window."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.transform import Affine
from rasterio.windows import Window

from landcover.errors import InputError
from landcover.images.raster import SAR_DTYPES

NO_TRANSFORM = Affine.identity()

SAMPLE = 2048
"""Largest side of `SarScene.sample`, pixels."""


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    Args:
        height: rows.
        width: columns.
        crs: coordinate system, if there is one.
        transform: from columns and rows to coordinates; the identity means that there is none.
        control_points: ground control points, of images that have these instead of a transform.
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine = NO_TRANSFORM
    control_points: Sequence[GroundControlPoint] = ()

    @property
    def georeferenced(self) -> bool:
        """Whether a GIS knows where to draw it."""
        return bool(self.crs or self.control_points) or self.transform != NO_TRANSFORM


@contextmanager
def open_scene(path: Path) -> Iterator[SarScene]:
    """Opens a scene in any format that GDAL reads; one band, with or without an alpha band.

    Raises:
        InputError: missing, unreadable, several bands, or values of another type than uint8, uint16 or float32.
    """
    with opened_raster(path) as file:
        yield SarScene(path, file)


@contextmanager
def opened_raster(path: Path) -> Iterator[DatasetReader]:
    """A file in any format that GDAL reads.

    Raises:
        InputError: missing or unreadable.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected a GeoTIFF, found none; check the path")
    try:
        file = rasterio.open(path)
    except RasterioError as error:
        raise InputError(f"{path}: not readable as an image ({reason_of(error)}); fetch it again") from error
    with file:
        yield file


class SarScene:
    """An open scene, see `open_scene`.

    Pixels without a measurement are those that the file declares as no data (by a value, a mask or an alpha band) and
    those that are no finite numbers. A declared value of 0 is not taken at its word: in 8-bit SAR images dark water
    is 0 as well. `landcover.prediction.scene_no_data` tells such zeros apart.
    """

    def __init__(self, path: Path, file: DatasetReader) -> None:
        self.path, self._file = path, file
        bands = [n for n, kind in enumerate(file.colorinterp, 1) if kind != ColorInterp.alpha]
        if len(bands) != 1:
            raise InputError(
                f"{path}: expected a SAR image of one band, found {len(bands)}; "
                "this looks like an optical image or several polarisations, pass one band of SAR"
            )
        self._band = bands[0]
        dtype = file.dtypes[self._band - 1]
        if dtype not in [np.dtype(kind).name for kind in SAR_DTYPES]:
            raise InputError(
                f"{path}: expected SAR values of uint8, uint16 or float32, found {dtype}; convert the file"
            )
        self.dtype: np.dtype[Any] = np.dtype(dtype)
        points, points_crs = file.gcps
        self.grid = Grid(file.height, file.width, file.crs or points_crs, file.transform, tuple(points))
        flags = file.mask_flag_enums[self._band - 1]
        zero_declared = MaskFlags.nodata in flags and file.nodatavals[self._band - 1] == 0
        self._declares_no_data = MaskFlags.all_valid not in flags and not zero_declared

    def read(self, rows: slice, columns: slice) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Values of a window, and where it holds no measurement; values are 0 there.

        Args:
            rows: first row and the one after the last, inside the scene.
            columns: likewise.

        Returns:
            (h, w) in the type of the file, (h, w) bool.

        Raises:
            InputError: the file is damaged there.
        """
        window = Window.from_slices(rows, columns)
        try:
            values = self._file.read(self._band, window=window)
            missing = np.zeros(values.shape, dtype=bool)
            if self._declares_no_data:
                missing = self._file.read_masks(self._band, window=window) == 0
        except RasterioError as error:
            raise self._damaged(error) from error
        if self.dtype.kind == "f":
            missing |= ~np.isfinite(values)
        values[missing] = 0
        return values, missing

    def sample(self) -> NDArray[Any]:
        """Every n-th value in both directions, at most `SAMPLE` x `SAMPLE`, 0 where there is no measurement."""
        step = -(-max(self.grid.height, self.grid.width) // SAMPLE)
        size = (-(-self.grid.height // step), -(-self.grid.width // step))
        try:
            values = self._file.read(self._band, out_shape=size, resampling=Resampling.nearest, masked=True)
        except RasterioError as error:
            raise self._damaged(error) from error
        filled = values.filled(0)
        filled[~np.isfinite(filled)] = 0
        return filled

    def warn_unless_georeferenced(self) -> None:
        """Prints a line if the map of this scene will lie nowhere."""
        if not self.grid.georeferenced:
            print(f"warning: {self.path}: no georeferencing; the map will have none either", file=sys.stderr)

    def _damaged(self, error: Exception) -> InputError:
        return InputError(
            f"{self.path}: not readable as an image ({reason_of(error)}); the file is damaged or cut off, "
            "fetch it again"
        )


def reason_of(error: Exception) -> str:
    """The message of GDAL behind rasterio's, without the path, which is in ours."""
    return str(error.__cause__ or error).splitlines()[0][:200]
