"""Strips and tiles of a TIFF, only those that a window needs, decoded straight into one array."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

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

NO_PREDICTOR, HORIZONTAL = 1, 2


@dataclass(frozen=True)
class Segments:
    """Where the strips or tiles of an image lie in its file, and how they are compressed.

    tifffile decodes every segment into memory of its own and copies it; `read` takes 0.8 of the time for a whole SAR
    tile of 1024 x 1024 pixels.

    Args:
        shape: (H, W) of one band, (H, W, C) of several.
        dtype: uint8, uint16 or float32, as this machine holds them.
        step: rows and columns of a segment.
        tiled: segments all are of that size; otherwise the last strip may end with the image.
        offsets: first byte of each segment, row by row, int64.
        sizes: bytes of each segment, int64.
        decoder: None for segments that are not compressed.
        differences: whether a pixel is stored as its difference to the left neighbour (TIFF's predictor 2).
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    step: tuple[int, int]
    tiled: bool
    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    decoder: Decoder | None
    differences: bool

    @staticmethod
    def of(page: tifffile.TiffPage) -> Segments | None:
        """Those of a page; None if its pixels are stored in a way that is left to tifffile."""
        if not _simple(page):
            return None
        height, width, bands = page.imagelength, page.imagewidth, page.samplesperpixel
        return Segments(
            shape=(height, width) if bands == 1 else (height, width, bands),
            dtype=page.dtype,
            step=(page.tilelength, page.tilewidth) if page.is_tiled else (min(page.rowsperstrip, height), width),
            tiled=page.is_tiled,
            offsets=np.array(page.dataoffsets, np.int64),
            sizes=np.array(page.databytecounts, np.int64),
            decoder=DECODERS.get(page.compression),
            differences=page.predictor == HORIZONTAL,
        )

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
        for row, column in product(rows, columns):
            y, x = row * step[0], column * step[1]
            place = canvas[y - top : y - top + step[0], x - left : x - left + step[1]]
            self._decode(file, row * -(-width // step[1]) + column, place, step[0] if self.tiled else height - y)
        return canvas[area[0].start - top : area[0].stop - top, area[1].start - left : area[1].stop - left]

    def _decode(self, file: BinaryIO, number: int, place: NDArray[Any], needed: int) -> None:
        """Decodes a segment of at least `needed` rows into `place`; by way of another array if others lie beside it."""
        whole = place if place.flags.c_contiguous else np.empty(place.shape, place.dtype)
        flat = whole.reshape(-1).view(np.uint8)
        file.seek(self.offsets[number])
        data = file.read(self.sizes[number])
        if self.decoder is None:
            decoded = np.frombuffer(data, np.uint8)[: flat.size]
            flat[: decoded.size] = decoded
        else:
            decoded = self.decoder(data, out=flat)
        if decoded.size < whole[:needed].nbytes:
            raise ValueError(f"segment {number} has {decoded.size} bytes instead of {whole[:needed].nbytes}")
        if self.differences:
            imagecodecs.delta_decode(whole, axis=1, out=whole)
        if whole is not place:
            place[:] = whole


def _simple(page: tifffile.TiffPage) -> bool:
    return (
        page.compression in (1, *DECODERS)
        and (page.predictor == NO_PREDICTOR or (page.predictor == HORIZONTAL and page.dtype == np.uint8))
        and (page.planarconfig == 1 or page.samplesperpixel == 1)
        and page.dtype in (np.uint8, np.uint16, np.float32)
        and page.bitspersample == 8 * page.dtype.itemsize
        and (page.dtype.itemsize == 1 or page.parent.byteorder == "<")
        and page.fillorder == 1
        and page.imagedepth == 1
        and 0 not in page.databytecounts  # left out by the writer
    )
