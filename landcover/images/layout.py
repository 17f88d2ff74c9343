"""How the pixels of a file are read: by our own decoder, from several pages of a TIFF, or by GDAL."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tifffile
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from landcover.errors import InputError
from landcover.images.opening import opened
from landcover.images.segments import Segments
from landcover.images.source import Bands, band_numbers

KNOWN_FILES = 2**14
"""Files, about 2 kB of memory for each, whose header is not read again; training reads every tile many times."""

NO_DATA_VALUE, _GDAL_METADATA = 42113, 42112  # TIFF tags
_MEANING = (
    *("NoDataValue", "Scale", "Offset", "NODATA_VALUES", "ColorInterp"),
    *('role="scale"', 'role="offset"', 'role="colorinterp"'),
)
"""What in GDAL's metadata changes the meaning of pixels."""

logging.getLogger("tifffile").setLevel(logging.ERROR)  # it warns of what GDAL reads

_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
_BESIDE = (".aux.xml", ".msk")
"""What is added to the name of a file by files that say more about its pixels: GDAL's metadata and a mask."""

_GREY, _RGB, _PALETTE = 1, 2, 3  # photometric interpretations of TIFF
MASK = 4
"""Bit of TIFF's NewSubfileType."""


@dataclass(frozen=True)
class Layout:
    """How the pixels of a file are read.

    Args:
        kind: `segments`, a plain TIFF of which `Segments` are enough; `pages`, a TIFF whose bands are pages; `gdal`,
            all others.
        segments: of a plain TIFF.
        zeros_declared: see `Raster`; of a TIFF that GDAL does not read.
    """

    kind: Literal["segments", "pages", "gdal"]
    segments: Segments | None = None
    zeros_declared: bool = False


def layout_of(path: Path) -> Layout:
    """The layout of a file; it is looked at once, until it or a file beside it that changes its meaning is replaced.

    Raises:
        ValueError: a TIFF that is cut off; tifffile raises whatever it likes on damaged bytes.
    """
    return _layout(path, *_identity(path))


def numbers_of(path: Path, bands: Bands) -> list[int]:
    """Numbers of the bands in a file, from 1, likewise.

    Raises:
        InputError: there is no such band.
    """
    return _numbers(path, bands, *_identity(path))


def colours_of(path: Path) -> Bands:
    """Numbers of the red, green and blue band of a file, from 1, likewise; the first three where it does not name them.

    Empty where these are all bands, in their order, and of files that are no images of 3 or 4 bands for GDAL.

    Raises:
        InputError: missing, or damaged.
    """
    return _colours(path, *_identity(path))


def read_pages(path: Path) -> NDArray[Any]:
    """(H, W, C) of a TIFF whose bands are pages, as other programs than GDAL write them."""
    with tifffile.TiffFile(path) as file:
        series = file.series[0]
        return _bands_last(series.asarray(), series.axes, path)


def _identity(path: Path) -> tuple[int, ...]:
    """What changes when a file is replaced, or one beside it comes, goes or is replaced; asked at every reading."""
    name = os.fspath(path)
    return (*_status(name), *(number for suffix in _BESIDE for number in _status(name + suffix)))


def _status(name: str) -> tuple[int, ...]:
    try:
        status = os.stat(name)  # noqa: PTH116  (twice as quick)
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


@lru_cache(KNOWN_FILES)
def _layout(path: Path, *_identity: int) -> Layout:
    """How the pixels of a file are read."""
    try:
        with tifffile.TiffFile(path) as file:
            _check_whole(file)
            return _tiff_layout(path, file)
    except tifffile.TiffFileError:  # another format, or none
        return Layout("gdal")


def _tiff_layout(path: Path, file: tifffile.TiffFile) -> Layout:
    first = file.pages[0]
    if first.dtype is None:  # of a number of bits that numpy has no type for
        return Layout("gdal")
    value = _text(first, NO_DATA_VALUE)
    zeros_declared = value == "0" and first.dtype.kind in "iu"
    masks = any(page.subfiletype & MASK for page in file.pages)
    alpha = any(kind != 0 for kind in first.extrasamples)
    if masks or alpha or not (value is None or zeros_declared) or _means_more(path, _text(first, _GDAL_METADATA) or ""):
        return Layout("gdal")
    if sum(not page.is_reduced for page in file.pages) > 1:
        return Layout("pages", zeros_declared=zeros_declared)
    segments = Segments.of(first) if first.photometric in (_GREY, _RGB, _PALETTE) else None
    return Layout("gdal") if segments is None else Layout("segments", segments, zeros_declared)


def _means_more(path: Path, metadata: str) -> bool:
    """Whether GDAL's metadata, in the file or beside it, or a mask beside it change what pixels mean."""
    auxiliary, mask = (path.with_name(path.name + suffix) for suffix in _BESIDE)
    if auxiliary.exists():
        metadata += auxiliary.read_text(encoding="utf-8", errors="replace")
    return any(word in metadata for word in _MEANING) or mask.exists()


def _text(page: tifffile.TiffPage, code: int) -> str | None:
    tag = page.tags.get(code)
    return None if tag is None else str(tag.value).strip("\0 ")


@lru_cache(KNOWN_FILES)
def _numbers(path: Path, bands: Bands, *_identity: int) -> list[int]:
    if all(isinstance(band, int) for band in bands) and _layout(path, *_identity).kind == "pages":
        return [int(band) for band in bands]
    with opened(path) as file:
        return band_numbers(path, file, bands)


@lru_cache(KNOWN_FILES)
def _colours(path: Path, *_identity: int) -> Bands:
    with opened(path) as file:
        values = band_numbers(path, file, ())
        named = [[n for n, kind in enumerate(file.colorinterp, 1) if kind == colour] for colour in _COLOURS]
    colours = [numbers[0] for numbers in named] if all(len(numbers) == 1 for numbers in named) else values[:3]
    return () if len(values) not in (3, 4) or values == colours else tuple(colours)


def _check_whole(file: tifffile.TiffFile) -> None:
    """Raises ValueError if pixels lie behind the end of the file: JPEG decoders fill them with grey in silence."""
    for page in file.pages:
        ends = (start + count for start, count in zip(page.dataoffsets, page.databytecounts, strict=True))
        if max(ends, default=0) > file.filehandle.size:
            raise ValueError(f"{file.filehandle.size} bytes are too few")


def _bands_last(pixels: NDArray[Any], axes: str, path: Path) -> NDArray[Any]:
    """Moves the band axis of any interleaving (S, or C or I or Q for separate pages) behind Y and X."""
    others = [axis for axis in axes if axis not in "YX"]
    if "Y" not in axes or "X" not in axes or len(others) > 1:
        raise InputError(f"{path}: expected one image with one or several bands, found axes {axes} of {pixels.shape}")
    return np.ascontiguousarray(np.moveaxis(pixels, axes.index(others[0]), -1)) if others else pixels
