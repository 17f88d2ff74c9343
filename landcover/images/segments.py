"""Strips and tiles of a TIFF, only those that a window needs, decoded straight into one array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

Area = tuple[slice, slice]
"""Rows and columns of a window, within the image; what `np.s_` makes of them."""

DECODERS: Mapping[int, Callable[..., Any]] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.deflate_decode,
    32946: imagecodecs.deflate_decode,
    50000: imagecodecs.zstd_decode,
}
"""Compression tag -> decoder (TIFF 6.0, its supplement 2, and libtiff's number of zstd).

A decoder takes the bytes and `out`, a flat array that it fills and returns as far as it was filled."""

NO_PREDICTOR, HORIZONTAL = 1, 2


def decodes(page: tifffile.TiffPage) -> bool:
    """Whether `decode_area` can: compressed by `DECODERS` or not at all, bands of a pixel side by side."""
    tag = page.predictor
    return (
        page.compression in (1, *DECODERS)
        and (tag == NO_PREDICTOR or (tag == HORIZONTAL and page.dtype == np.uint8))
        and (page.planarconfig == 1 or page.samplesperpixel == 1)
        and page.dtype in (np.uint8, np.uint16, np.float32)
        and page.bitspersample == 8 * page.dtype.itemsize
        and (page.dtype.itemsize == 1 or page.parent.byteorder == "<")
        and page.fillorder == 1
        and page.imagedepth == 1
        and 0 not in page.databytecounts  # left out by the writer
    )


def decode_area(page: tifffile.TiffPage, area: Area) -> NDArray[Any]:
    """Pixels of a window, (h, w) of one band and (h, w, C) of several, not always contiguous.

    tifffile decodes every segment of a page into memory of its own and copies it; this takes 0.8 of the time for a
    whole SAR tile of 1024 x 1024 pixels.

    Args:
        page: for which `decodes` is true, of a file that is open.
        area: rows and columns.

    Raises:
        ValueError: a segment is cut off; the codecs raise whatever they like on damaged bytes.
    """
    height, width = page.imagelength, page.imagewidth
    step = (page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width)
    rows, columns = (range(part.start // size, -(-part.stop // size)) for part, size in zip(area, step, strict=True))
    top, left = rows.start * step[0], columns.start * step[1]
    bands = () if page.samplesperpixel == 1 else (page.samplesperpixel,)
    canvas = np.empty((len(rows) * step[0], len(columns) * step[1], *bands), page.dtype)
    for row, column in product(rows, columns):
        y, x = row * step[0], column * step[1]
        place = canvas[y - top : y - top + step[0], x - left : x - left + step[1]]
        needed = step[0] if page.is_tiled else min(step[0], height - y)  # some writers end the last strip early
        _decode(page, row * -(-width // step[1]) + column, place, needed)
    return canvas[area[0].start - top : area[0].stop - top, area[1].start - left : area[1].stop - left]


def _decode(page: tifffile.TiffPage, number: int, place: NDArray[Any], needed: int) -> None:
    """Decodes a segment of at least `needed` rows into `place`; by way of another array if others lie beside it."""
    whole = place if place.flags.c_contiguous else np.empty(place.shape, place.dtype)
    flat = whole.reshape(-1).view(np.uint8)
    handle = page.parent.filehandle
    handle.seek(page.dataoffsets[number])
    data = handle.read(page.databytecounts[number])
    if page.compression == 1:
        decoded = np.frombuffer(data, np.uint8)[: flat.size]
        flat[: decoded.size] = decoded
    else:
        decoded = DECODERS[page.compression](data, out=flat)
    if decoded.size < whole[:needed].nbytes:
        raise ValueError(f"segment {number} has {decoded.size} bytes instead of {whole[:needed].nbytes}")
    if page.predictor == HORIZONTAL:
        imagecodecs.delta_decode(whole, axis=1, out=whole)
    if whole is not place:
        place[:] = whole
