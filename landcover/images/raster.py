"""Reading and writing of images and label maps, with their georeferencing."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from landcover.errors import InputError
from landcover.images.segments import Area, Segments
from landcover.run_files.atomic import atomic_path

# ModelPixelScale, ModelTiepoint, ModelTransformation, GeoKeyDirectory, GeoDoubleParams, GeoAsciiParams, GDAL metadata
# and GDAL no-data: what GDAL needs to restore CRS, transform and no-data value (OGC GeoTIFF 1.1).
GEOREFERENCE_CODES = (33550, 33922, 34264, 34735, 34736, 34737, 42112, 42113)

TILE = 256
"""Tile side of the TIFFs we write: windows are read without decoding the rest."""

KNOWN_LAYOUTS = 2**14
"""Files, about 2 kB of memory for each, whose header is not read again; training reads every tile many times."""

SAR_DTYPES = (np.uint8, np.uint16, np.float32)


@dataclass(frozen=True)
class Georeference:
    """GeoTIFF tags of an image as (code, type, count, value), to be written unchanged into maps of the same grid."""

    tags: tuple[tuple[int, int, int, Any], ...] = ()  # a tag's value is a number, a tuple of numbers or a text

    def __bool__(self) -> bool:
        return bool(self.tags)


@dataclass(frozen=True)
class RasterInfo:
    """Size and type of an image, read from its header alone."""

    height: int
    width: int
    bands: int
    dtype: np.dtype[Any]


@dataclass(frozen=True)
class Raster:
    """Pixels of an image, (H, W) with one band and (H, W, C) with several, and its georeferencing."""

    pixels: NDArray[Any]  # uint8, uint16 or float32
    georeference: Georeference


def read_raster(path: Path, area: Area | None = None) -> Raster:
    """Image of a TIFF or PNG file; bands come last however the file interleaves them.

    Args:
        path: the file.
        area: rows and columns to read, None for all. What lies beside them is not decoded if the file allows that.

    Raises:
        InputError: the file is missing, damaged, or not one image of one or several bands.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none; check the path")
    try:
        if path.suffix.lower() == ".png":
            with Image.open(path) as image:
                return Raster(np.asarray(image)[area or ...], Georeference())
        return _read_tiff(path, area)
    except InputError:
        raise
    except Exception as error:  # the codecs raise whatever they like on damaged bytes
        raise _unreadable(path, error) from error


def read_info(path: Path) -> RasterInfo:
    """Size, number of bands and type of a TIFF or PNG file, without decoding its pixels."""
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none; check the path")
    try:
        if path.suffix.lower() == ".png":
            with Image.open(path) as image:
                dtype = np.dtype(np.uint16 if image.mode.startswith("I") else np.uint8)
                return RasterInfo(image.height, image.width, len(image.getbands()), dtype)
        with tifffile.TiffFile(path) as file:
            page = file.pages[0]
            bands = page.samplesperpixel * (1 if len(file.pages) == 1 else len(file.series[0].pages))
            return RasterInfo(page.imagelength, page.imagewidth, bands, np.dtype(page.dtype))
    except Exception as error:  # as above
        raise _unreadable(path, error) from error


def read_optical(path: Path, area: Area | None = None) -> NDArray[np.uint8]:
    """RGB image (H, W, 3), uint8, of `path`, or the window `area` of it; a fourth band (alpha) is dropped."""
    pixels = read_raster(path, area).pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        bands = 1 if pixels.ndim == 2 else pixels.shape[2]
        hint = "; this looks like a SAR image, check that the folders are not swapped" if bands == 1 else ""
        raise InputError(f"{path}: expected an optical image of 3 bands (RGB), found {bands}{hint}")
    if pixels.dtype != np.uint8:
        raise InputError(f"{path}: expected uint8 RGB, found {pixels.dtype}; stretch the image to 0..255 first")
    return np.ascontiguousarray(pixels[..., :3])


def read_sar(path: Path, area: Area | None = None) -> NDArray[Any]:
    """SAR image (H, W), uint8, uint16 or float32, of `path`, or the window `area` of it.

    Raises:
        InputError: several bands, another type, or NaN or infinite values.
    """
    pixels = read_raster(path, area).pixels
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    if pixels.ndim != 2:
        raise InputError(
            f"{path}: expected a SAR image of one band, found {pixels.shape[2]}; "
            "this looks like an optical image, check that the folders are not swapped"
        )
    if pixels.dtype not in SAR_DTYPES:
        raise InputError(
            f"{path}: expected SAR values of uint8, uint16 or float32, found {pixels.dtype}; convert the file"
        )
    if pixels.dtype == np.float32 and not np.isfinite(pixels).all():
        count = int(np.count_nonzero(~np.isfinite(pixels)))
        raise InputError(f"{path}: expected finite SAR values, found {count} NaN or infinite ones; write no-data as 0")
    return pixels


def read_georeference(path: Path) -> Georeference:
    """Georeferencing of a TIFF file, empty if it has none; pixels are not decoded."""
    if not path.is_file():
        raise InputError(f"{path}: expected a TIFF file, found none; check the path")
    try:
        with tifffile.TiffFile(path) as file:
            return _georeference(file)
    except Exception as error:  # as above
        raise _unreadable(path, error) from error


def write_raster(
    path: Path,
    pixels: NDArray[Any],
    georeference: Georeference = Georeference(),
    compression: str | None = "deflate",
) -> None:
    """Writes a tiled TIFF, atomically; the same pixels give the same bytes.

    Args:
        path: file to write.
        pixels: (H, W) or RGB (H, W, 3); uint8, uint16 or float32.
        georeference: tags to carry over from the image on whose grid the pixels lie.
        compression: any of tifffile's lossless names, or None.
    """
    rgb = pixels.ndim == 3
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            pixels,
            photometric="rgb" if rgb else "minisblack",
            tile=(TILE, TILE),
            compression=compression,
            predictor=compression is not None and pixels.dtype != np.float32 and rgb,
            extratags=extra_tags(georeference),
            metadata=None,
        )


def extra_tags(georeference: Georeference) -> list[tuple[int, int, int, Any, bool]]:
    """The tags in the form of tifffile's `extratags`."""
    return [(*tag, True) for tag in georeference.tags]


def _read_tiff(path: Path, area: Area | None) -> Raster:
    status = path.stat()
    segments, georeference = _layout(path, status.st_ino, status.st_size, status.st_mtime_ns)
    if segments is not None:
        with path.open("rb", buffering=0) as binary:
            return Raster(segments.read(binary, area), georeference)
    with tifffile.TiffFile(path) as file:
        # guessing the series of a single page costs half of its reading
        image = file.pages[0] if len(file.pages) == 1 else file.series[0]
        return Raster(_bands_last(image.asarray(), image.axes, path)[area or ...], georeference)


@lru_cache(KNOWN_LAYOUTS)
def _layout(path: Path, *_identity: int) -> tuple[Segments | None, Georeference]:
    """Where the pixels of a TIFF lie, if they can be read from there, and its georeferencing."""
    with tifffile.TiffFile(path) as file:
        _check_whole(file)
        return Segments.of(file.pages[0]) if len(file.pages) == 1 else None, _georeference(file)


def _check_whole(file: tifffile.TiffFile) -> None:
    """Raises ValueError if pixels lie behind the end of the file: JPEG decoders fill them with grey in silence."""
    for page in file.pages:
        ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > file.filehandle.size:
            raise ValueError(f"{file.filehandle.size} bytes are too few")


def _georeference(file: tifffile.TiffFile) -> Georeference:
    tags = file.pages[0].tags
    found = [tags[code] for code in GEOREFERENCE_CODES if code in tags]
    return Georeference(tuple((tag.code, int(tag.dtype), tag.count, tag.value) for tag in found))


def _bands_last(pixels: NDArray[Any], axes: str, path: Path) -> NDArray[Any]:
    """Moves the band axis of any interleaving (S, or C or I or Q for separate pages) behind Y and X."""
    others = [axis for axis in axes if axis not in "YX"]
    if "Y" not in axes or "X" not in axes or len(others) > 1:
        raise InputError(f"{path}: expected one image with one or several bands, found axes {axes} of {pixels.shape}")
    return np.ascontiguousarray(np.moveaxis(pixels, axes.index(others[0]), -1)) if others else pixels


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: not readable as an image ({reason}); the file is damaged or cut off, fetch it again")
