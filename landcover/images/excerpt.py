"""Some strips or tiles of a TIFF as a TIFF of their own, which libtiff decodes in one call."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import imagecodecs
import numpy as np
from numpy.typing import NDArray

_SHORT, _LONG, _LONG_8 = 3, 4, 16  # types of TIFF's tags
_SAMPLE_FORMATS = {"u": 1, "f": 3}


def decode_excerpt(
    stored: Sequence[bytes],
    sizes: NDArray[np.int64],
    place: NDArray[Any],
    step: tuple[int, int],
    tiled: bool,
    compression: int,
    predictor: int,
) -> None:
    """Fills `place` with segments.

    Args:
        stored: the bytes of the segments one after the other, in any number of pieces: strips, or all tiles of a row
            of `place`, then those of the next.
        sizes: bytes of each segment, int64 (N,).
        place: contiguous (H, W) or (H, W, C) array of uint8, uint16 or float32.
        step: rows and columns of a segment.
        tiled: whether they are tiles.
        compression: TIFF's number of it.
        predictor: likewise.

    Raises:
        imagecodecs.TiffError: a segment is damaged or cut off.
    """
    height, width, *bands = place.shape
    tags = {
        256: (_LONG, width),
        257: (_LONG, height),
        258: (_SHORT, 8 * place.dtype.itemsize),
        259: (_SHORT, compression),
        262: (_SHORT, 1),  # grey, whatever the bands mean: libtiff then hands them on as they are
        277: (_SHORT, bands[0] if bands else 1),
        317: (_SHORT, predictor),
        339: (_SHORT, _SAMPLE_FORMATS[place.dtype.kind]),
        **({322: (_LONG, step[1]), 323: (_LONG, step[0])} if tiled else {278: (_LONG, step[0])}),
    }
    head = _head(tags, sizes, *((324, 325) if tiled else (273, 279)))
    imagecodecs.tiff_decode(b"".join([head, *stored]), out=place)


def _head(tags: dict[int, tuple[int, int]], sizes: NDArray[np.int64], offsets_tag: int, sizes_tag: int) -> bytes:
    """All of a BigTIFF of one image but its segments, which follow one after the other.

    Args:
        tags: type and value by number, without the two that are named below.
        sizes: bytes of each segment.
        offsets_tag: number of the tag of where they begin.
        sizes_tag: number of the tag of their sizes.
    """
    lists = 16 + 8 + 20 * (len(tags) + 2) + 8  # what lies before: header, number of tags, tags, no further image
    offsets = lists + 2 * sizes.nbytes + np.cumsum(sizes) - sizes
    entries = [(number, kind, 1, value) for number, (kind, value) in tags.items()]
    for number, values, place in ((offsets_tag, offsets, lists), (sizes_tag, sizes, lists + sizes.nbytes)):
        # a single number stands in the tag itself
        entries.append((number, _LONG_8, len(values), place if len(values) > 1 else int(values[0])))
    listed = b"".join(struct.pack("<HHQQ", *entry) for entry in sorted(entries))
    start = struct.pack("<2sHHHQQ", b"II", 43, 8, 0, 16, len(entries))
    return b"".join([start, listed, bytes(8), offsets.astype("<u8").tobytes(), sizes.astype("<u8").tobytes()])
