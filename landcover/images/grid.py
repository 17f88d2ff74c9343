"""Where the pixels of a raster lie, in whatever way its file says so."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tifffile
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.io import DatasetReader, DatasetWriter, MemoryFile
from rasterio.rpc import RPC
from rasterio.transform import Affine

from landcover.images.opening import opened

NO_TRANSFORM = Affine.identity()

# ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams and
# RPCCoefficient: all that tells a place in a TIFF (OGC GeoTIFF 1.1, and the RPC tag of GDAL's GeoTIFF driver).
_PLACE_CODES = (33550, 33922, 34264, 34735, 34736, 34737, 50844)


@dataclass(frozen=True)
class Georeference:
    """TIFF tags that tell a place, as (code, type, count, value), to be written into files of the same grid."""

    tags: tuple[tuple[int, int, int, Any], ...] = ()  # a tag's value is a number, a tuple of numbers or a text

    def __bool__(self) -> bool:
        return bool(self.tags)


@dataclass(frozen=True)
class Grid:
    """Where the pixels of a raster lie.

    Args:
        height: rows.
        width: columns.
        crs: coordinate system of the transform or the control points, if there is one.
        transform: from columns and rows to coordinates; the identity means that there is none.
        control_points: ground control points, of images that have these instead of a transform.
        rpcs: rational polynomial coefficients, of images in the geometry of a sensor.
    """

    height: int
    width: int
    crs: CRS | None = None
    transform: Affine = NO_TRANSFORM
    control_points: tuple[GroundControlPoint, ...] = ()
    rpcs: RPC | None = None

    @property
    def georeferenced(self) -> bool:
        """Whether a GIS knows where to draw it."""
        return bool(self.crs or self.control_points or self.rpcs) or self.transform != NO_TRANSFORM

    @property
    def georeference(self) -> Georeference:
        """The same place as tags of a TIFF, as GDAL writes them."""
        if not self.georeferenced:
            return Georeference()
        with MemoryFile() as memory:
            with memory.open(driver="GTiff", height=1, width=1, count=1, dtype="uint8") as file:
                self.place(file)
            with tifffile.TiffFile(io.BytesIO(memory.read())) as written:
                tags = written.pages[0].tags
                found = [tags[code] for code in _PLACE_CODES if code in tags]
                return Georeference(tuple((tag.code, int(tag.dtype), tag.count, tag.value) for tag in found))

    def place(self, file: DatasetWriter) -> None:
        """Gives an open raster of rasterio this place, and nothing else."""
        if self.control_points:
            file.gcps = (list(self.control_points), self.crs or CRS())
        elif self.crs or self.transform != NO_TRANSFORM:
            file.transform = self.transform
            if self.crs:
                file.crs = self.crs
        if self.rpcs is not None:
            file.rpcs = self.rpcs


def grid_of(file: DatasetReader) -> Grid:
    """Grid of an open raster."""
    points, points_crs = file.gcps
    return Grid(file.height, file.width, file.crs or points_crs, file.transform, tuple(points), file.rpcs)


def read_grid(path: Path) -> Grid:
    """Grid of a file, from its tags, a world file, `.aux.xml`, control points or RPCs; pixels are not decoded.

    Raises:
        InputError: the file is missing or damaged.
    """
    with opened(path) as file:
        return grid_of(file)


def read_georeference(path: Path) -> Georeference:
    """Place of a file, to be written into files of the same grid; empty if it has none.

    Raises:
        InputError: the file is missing or damaged.
    """
    return read_grid(path).georeference
