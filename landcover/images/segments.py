"""Strips and tiles of a TIFF, only those that a window needs, decoded straight into one array."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from landcover.images.excerpt import decode_excerpt

Area = tuple[slice, slice]
"""Rows and columns of a window, within the image; what `np.s_` makes of them."""

Decoder = Callable[..., Any]
"""Takes the bytes and `out`, a flat array that it fills; returns that as far as it was filled."""

DECODERS: Mapping[int, Decoder] = {
    5: imagecodecs.lzw_decode,
    8: imagecodecs.deflate_decode,
    32946: imagecodecs.deflate_decode,
    50000: imagecodecs.zstd_decode,
}
"""Compression tag -> decoder (TIFF 6.0, its supplement 2, and libtiff's number of zstd)."""

NO_COMPRESSION, LZW = 1, 5
NO_PREDICTOR, HORIZONTAL = 1, 2

SHORT = 2**16
"""Decoded bytes below which segments are decoded together: one after the other, strips of 8 KiB, GDAL's default, take a
third longer."""

TOGETHER = 2**26
"""Decoded bytes that are decoded together, at most: their stored bytes are held beside them."""


@dataclass(frozen=True)
class Segments:
    """Where the strips or tiles of an image lie in its file, and how they are compressed.

    tifffile decodes every segment into memory of its own and copies it; `read` takes 0.8 of the time for a whole SAR
    tile of 1024 x 1024 pixels. Short segments, differences and LZW, for which imagecodecs' own decoder is slow,
    are decoded by libtiff in one call.

    Args:
        shape: (H, W) of one band, (H, W, C) of several.
        dtype: uint8, uint16 or float32, as this machine holds them.
        step: rows and columns of a segment.
        tiled: segments all are of that size; otherwise the last strip may end with the image.
        offsets: first byte of each segment, row by row, int64.
        sizes: bytes of each segment, int64.
        compression: TIFF's number of it, `NO_COMPRESSION` or one of `DECODERS`.
        differences: whether a pixel is stored as its difference to the left neighbour (TIFF's predictor 2).
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    step: tuple[int, int]
    tiled: bool
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    compression: int
    differences: bool

    @staticmethod
    def of(page: tifffile.TiffPage) -> Segments | None:
        """Those of a page; None if its pixels are stored in a way that is left to tifffile."""
        if not _simple(page):
            return None
        height, width, bands = page.imagelength, page.imagewidth, page.samplesperpixel
        segments = Segments(
            shape=(height, width) if bands == 1 else (height, width, bands),
            dtype=page.dtype,
            step=(page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width),
            tiled=page.is_tiled,
            offsets=np.array(page.dataoffsets, np.int64),
            sizes=np.array(page.databytecounts, np.int64),
            compression=int(page.compression),
            differences=page.predictor == HORIZONTAL,
        )
        return segments._in_short_strips()

    def _in_short_strips(self) -> Segments:
        """The same, if it lies in its file as in an array: windows then take no more rows than they need."""
        if self.compression != NO_COMPRESSION or self.tiled:
            return self
        height, width, *bands = self.shape
        row = width * math.prod(bands) * self.dtype.itemsize
        begins = np.arange(len(self.offsets)) * self.step[0]  # of strips, in rows
        needed = np.minimum(self.step[0], height - begins) * row
        if (self.offsets != self.offsets[0] + begins * row).any() or (self.sizes < needed).any():
            return self
        rows = max(1, SHORT // row)
        firsts = np.arange(0, height, rows)
        sizes = np.minimum(rows, height - firsts) * row
        return replace(self, step=(rows, width), offsets=self.offsets[0] + firsts * row, sizes=sizes)

    def read(self, file: BinaryIO, area: Area | None = None) -> NDArray[Any]:
        """Pixels of a window, (h, w) or (h, w, C), not always contiguous; contiguous ones of the whole image for None.

        Raises:
            ValueError: a segment is cut off; the codecs raise whatever they like on damaged bytes.
        """
        height, width, *bands = self.shape
        step = self.step
        if area is None:
            return np.ascontiguousarray(self.read(file, np.s_[0:height, 0:width]))
        rows, columns = (
            range(part.start // size, -(-part.stop // size)) for part, size in zip(area, step, strict=True)
        )
        top, left = rows.start * step[0], columns.start * step[1]
        canvas = np.empty((len(rows) * step[0], len(columns) * step[1], *bands), self.dtype)
        decode = self._decode_together if self._better_together() else self._decode_each
        decode(file, rows, columns, canvas)
        return canvas[area[0].start - top : area[0].stop - top, area[1].start - left : area[1].stop - left]

    def _better_together(self) -> bool:
        height, width = self.step
        if self.compression in (NO_COMPRESSION, LZW):
            return True
        # libtiff 4.7, and GDAL by it, misreads a deflated last strip that holds more rows than the image
        ends_with_image = self.tiled or self.shape[0] % height == 0
        decoded = height * width * math.prod(self.shape[2:]) * self.dtype.itemsize
        return (decoded < SHORT or self.differences) and ends_with_image

    def _decode_together(self, file: BinaryIO, rows: range, columns: range, canvas: NDArray[Any]) -> None:
        """Decodes segments into `canvas`, as many rows of them at once as `TOGETHER` allows."""
        high, predictor = self.step[0], HORIZONTAL if self.differences else NO_PREDICTOR
        end = len(canvas) if self.tiled else self.shape[0] - rows.start * high
        many = max(1, TOGETHER // (high * canvas[0].nbytes))
        for first in range(0, len(rows), many):
            numbers = np.add.outer(np.array(rows[first : first + many]) * self._across, columns).ravel()
            place = canvas[first * high : min(end, (first + many) * high)]
            stored, sizes = self._stored(file, numbers), self.sizes[numbers]
            decode_excerpt(stored, sizes, place, self.step, self.tiled, self.compression, predictor)

    def _decode_each(self, file: BinaryIO, rows: range, columns: range, canvas: NDArray[Any]) -> None:
        """Decodes segments into `canvas`, one after the other."""
        high, wide = self.step
        for (y, row), (x, column) in product(enumerate(rows), enumerate(columns)):
            place = canvas[y * high : (y + 1) * high, x * wide : (x + 1) * wide]
            needed = high if self.tiled else self.shape[0] - row * high
            self._decode(file, row * self._across + column, place, needed)

    def _decode(self, file: BinaryIO, number: int, place: NDArray[Any], needed: int) -> None:
        """Decodes a segment of at least `needed` rows into `place`; by way of another array if others lie beside it."""
        whole = place if place.flags.c_contiguous else np.empty(place.shape, place.dtype)
        file.seek(self.offsets[number])
        data = file.read(self.sizes[number])
        decoded = DECODERS[self.compression](data, out=whole.reshape(-1).view(np.uint8))
        if decoded.size < whole[:needed].nbytes:
            raise ValueError(f"segment {number} has {decoded.size} bytes instead of {whole[:needed].nbytes}")
        if self.differences:
            imagecodecs.delta_decode(whole, axis=1, out=whole)
        if whole is not place:
            place[:] = whole

    def _stored(self, file: BinaryIO, numbers: NDArray[np.int64]) -> list[bytes]:
        """The bytes of segments one after the other, in one piece where they lie so in the file."""
        starts, sizes = self.offsets[numbers], self.sizes[numbers]
        if (starts[1:] == (starts + sizes)[:-1]).all():
            starts, sizes = starts[:1], sizes.sum(keepdims=True)
        pieces = []
        for start, size in zip(starts.tolist(), sizes.tolist(), strict=True):
            file.seek(start)
            pieces.append(file.read(size))
        return pieces

    @property
    def _across(self) -> int:
        """Segments beside each other."""
        return -(-self.shape[1] // self.step[1])


def _simple(page: tifffile.TiffPage) -> bool:
    return (
        page.compression in (NO_COMPRESSION, *DECODERS)
        and (page.predictor == NO_PREDICTOR or (page.predictor == HORIZONTAL and page.dtype == np.uint8))
        and (page.planarconfig == 1 or page.samplesperpixel == 1)
        and page.dtype in (np.uint8, np.uint16, np.float32)
        and page.bitspersample == 8 * page.dtype.itemsize
        and (page.dtype.itemsize == 1 or page.parent.byteorder == "<")
        and page.fillorder == 1
        and page.imagedepth == 1
        and 0 not in page.databytecounts  # left out by the writer
    )
