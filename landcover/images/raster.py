"""Reading and writing of images and label maps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.grid import Georeference
from landcover.images.layout import MASK, NO_DATA_VALUE, colours_of, layout_of, numbers_of, read_pages
from landcover.images.no_data import Raster, in_all_bands, in_any_band, no_measurement
from landcover.images.opening import opened, unreadable
from landcover.images.segments import Area
from landcover.images.source import AS_STORED, Bands, RasterSource, band_names, measurements, open_source
from landcover.run_files.atomic import atomic_path

TILE = 256
"""Tile side of the TIFFs we write: windows are read without decoding the rest."""


@dataclass(frozen=True)
class RasterInfo:
    """Size and type of an image, read from its header alone; an alpha band is no band."""

    height: int
    width: int
    bands: int
    dtype: np.dtype[Any]


def read_raster(
    path: Path, area: Area | None = None, bands: Bands = (), measured: bool = False, as_stored: str | None = None
) -> Raster:
    """Image of a file of any format that GDAL reads; bands come last however the file interleaves them, without alpha.

    Plain TIFFs are decoded by `Segments`, which is quicker than GDAL and reads the same.

    Args:
        path: the file.
        area: rows and columns to read, None for all. What lies beside them is not decoded if the file allows that.
        bands: which to read, see `Bands`.
        measured: see `RasterSource`.
        as_stored: likewise.

    Raises:
        InputError: the file is missing, damaged, not one image of one or several bands, or has no such band.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none; check the path")
    try:
        layout = layout_of(path)
        if layout.kind == "gdal":
            with open_source(path, bands, measured, as_stored) as source:
                return source.read(area)
        numbers = numbers_of(path, bands) if bands else None
        if layout.segments is None:
            pixels = read_pages(path)[area or ...]
        else:
            with path.open("rb", buffering=0) as binary:
                pixels = layout.segments.read(binary, area)
        return _as_asked(pixels, numbers, measured, layout.zeros_declared)
    except InputError:
        raise
    except Exception as error:  # the codecs raise whatever they like on damaged bytes
        raise unreadable(path, error) from error


def read_info(path: Path) -> RasterInfo:
    """Size, number of bands and type as stored of an image file, without decoding its pixels.

    Raises:
        InputError: the file is missing or damaged.
    """
    with opened(path) as file:
        source = RasterSource(path, file)
        info = RasterInfo(source.grid.height, source.grid.width, len(source.bands), source.dtype)
    try:
        if layout_of(path).kind == "pages":
            with tifffile.TiffFile(path) as pages:
                return RasterInfo(info.height, info.width, len(pages.series[0].pages), info.dtype)
    except Exception as error:  # tifffile raises whatever it likes on damaged bytes
        raise unreadable(path, error) from error
    return info


def read_optical(path: Path, area: Area | None = None) -> Raster:
    """RGB image (H, W, 3), uint8, of `path`, or the window `area` of it; a fourth band is dropped, and counts nowhere.

    Bands are those that the file names red, green and blue, or the first three.

    Raises:
        InputError: other bands, or another type.
    """
    raster = read_raster(path, area, colours_of(path))  # in their order, with what they alone declare
    pixels = raster.pixels
    if pixels.ndim != 3 or pixels.shape[2] not in (3, 4):
        bands = 1 if pixels.ndim == 2 else pixels.shape[2]
        hint = "; this looks like a SAR image, check that the folders are not swapped" if bands == 1 else ""
        raise InputError(f"{path}: expected an optical image of 3 bands (RGB), found {bands}{hint}")
    if pixels.dtype != np.uint8:
        raise InputError(f"{path}: expected uint8 RGB, found {pixels.dtype}; stretch the image to 0..255 first")
    return Raster(np.ascontiguousarray(pixels[..., :3]), raster.missing, raster.zeros_declared)


def read_sar(path: Path, area: Area | None = None, bands: Bands = (), as_stored: str | None = None) -> Raster:
    """SAR image of `path`, or the window `area` of it: uint8, uint16 or float32, 0 where there is no data.

    Measurements of other types become float32, see `RasterSource`.

    Args:
        path: the file.
        area: rows and columns to read, None for all.
        bands: (H, W) of one band, (H, W, B) of several; empty for the only band of the file.
        as_stored: see `RasterSource`.

    Raises:
        InputError: a file of several bands without a choice among them, or without one of the chosen ones.
    """
    raster = read_raster(path, area, bands, measured=True, as_stored=as_stored)
    if not bands and raster.pixels.ndim != 2:
        check_one_band(path, raster.pixels.shape[2], raster.pixels.dtype)
    return raster


def check_one_band(path: Path, bands: int, dtype: np.dtype[Any]) -> None:
    """Raises `InputError` if a SAR image has several bands, none of which is chosen."""
    if bands > 1:
        refuse_optical(path, bands, dtype)
        # Other words would need quotes.
        names = band_names(path)
        words = [name if re.fullmatch(r"[\w.+-]+", name) else f"{number}" for number, name in enumerate(names, 1)]
        raise InputError(
            f"{path}: expected a SAR image of one band, found {bands} ({', '.join(names)}); for a training choose one "
            f"with sar.band={words[0]} or stack several with sar.bands=[{','.join(words[:2])}] in SAR_OPTIONS, for a "
            "trained model write the one that it reads to a file of its own (gdal_translate -b 1)"
        )


def refuse_optical(path: Path, bands: int, dtype: np.dtype[Any]) -> None:
    """Raises `InputError` if a SAR image looks like a colour image."""
    if bands in (3, 4) and dtype == np.uint8:
        raise InputError(
            f"{path}: expected a SAR image of one band, found {bands}; "
            "this looks like an optical image, check that the folders are not swapped"
        )


def write_raster(
    path: Path,
    pixels: NDArray[Any],
    georeference: Georeference = Georeference(),  # noqa: B008  (immutable)
    compression: str | None = "deflate",
    no_data: int | None = None,
    missing: NDArray[np.bool_] | None = None,
) -> None:
    """Writes a tiled TIFF, atomically; the same pixels give the same bytes.

    Args:
        path: file to write.
        pixels: (H, W), RGB (H, W, 3) or (H, W, bands); uint8, uint16 or float32.
        georeference: place of the image on whose grid the pixels lie.
        compression: any of tifffile's lossless names, or None.
        no_data: value that the file declares as no data; 0 for label maps.
        missing: pixels (H, W) without data, which a mask in the file tells, of images that need all values.
    """
    rgb = pixels.shape[2:] == (3,)
    declared = [] if no_data is None else [(NO_DATA_VALUE, "s", 0, f"{no_data}", True)]
    with atomic_path(path) as temporary, tifffile.TiffWriter(temporary) as file:
        file.write(
            pixels,
            photometric="rgb" if rgb else "minisblack",
            planarconfig="contig" if pixels.ndim == 3 else None,
            tile=(TILE, TILE),
            compression=compression,
            predictor=compression is not None and pixels.dtype != np.float32 and rgb,
            extratags=[*extra_tags(georeference), *declared],
            metadata=None,
        )
        if missing is not None and missing.any():
            write_mask(file, missing)


def write_mask(file: tifffile.TiffWriter, missing: NDArray[np.bool_]) -> None:
    """Writes a mask of the image that was written before: GDAL shows nothing at `missing` pixels, bool (H, W)."""
    file.write(
        ~missing,
        photometric="mask",
        subfiletype=MASK,
        tile=(TILE, TILE),
        compression="deflate",
        metadata=None,
        software=False,
    )


def extra_tags(georeference: Georeference) -> list[tuple[int, int, int, Any, bool]]:
    """The tags in the form of tifffile's `extratags`."""
    return [(*tag, True) for tag in georeference.tags]


def _as_asked(pixels: NDArray[Any], numbers: list[int] | None, measured: bool, zeros_declared: bool) -> Raster:
    """What `RasterSource` makes of a file without masks, no-data values other than 0, scales and offsets."""
    if pixels.ndim == 3 and numbers is not None:
        pixels = pixels[..., [number - 1 for number in numbers]]
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    missing = no_measurement(pixels)
    if missing is not None and missing.ndim == 3:
        missing = (in_any_band if measured else in_all_bands)(missing)
    if measured and pixels.dtype not in AS_STORED:
        pixels = measurements(pixels)
    if missing is not None:
        pixels = pixels.copy()
        pixels[missing] = 0
    return Raster(pixels, missing, zeros_declared)
