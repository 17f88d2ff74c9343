"""Pairs on disk that are read again and again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.data_sets.stored_tiles import DECODED_BYTES, copies
from landcover.errors import InputError
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_sar
from stage2_sar_seg.registration.normalisation import normalized
from stage2_sar_seg.registration.pairs.image_pair import ImagePair


@dataclass(frozen=True)
class OpenPair:
    """The images of a pair as a matcher reads them.

    Args:
        sar: float32 (1, H, W), see `normalized`.
        optical: float32 (3, H, W), likewise.
        data: bool (2, H, W), where the SAR and the optical image have data.
    """

    sar: NDArray[np.float32]
    optical: NDArray[np.float32]
    data: NDArray[np.bool_]

    @property
    def bytes(self) -> int:
        """Memory that the arrays take."""
        return self.sar.nbytes + self.optical.nbytes + self.data.nbytes


class StoredPairs:
    """The pairs of a data set by position, as one process loads them.

    The first ones stay as they are, until `DECODED_BYTES` are full with a copy in every loader process.

    Args:
        pairs: their files.
    """

    def __init__(self, pairs: Sequence[ImagePair]) -> None:
        self._pairs = pairs
        self._stored: dict[int, OpenPair] = {}
        self._budget: int | None = None  # not known before this process loads

    def open(self, number: int) -> OpenPair:
        """The pair at a position.

        Raises:
            InputError: a file is missing, damaged, not of its kind or without anything to see, or sizes differ.
        """
        if number in self._stored:
            return self._stored[number]
        if self._budget is None:
            self._budget = DECODED_BYTES // copies()
        pair = read_pair(self._pairs[number])
        if pair.bytes <= self._budget:
            self._budget -= pair.bytes
            self._stored[number] = pair
        return pair


def read_pair(pair: ImagePair) -> OpenPair:
    """The images of a pair, normalised over the whole image as in use.

    Raises:
        InputError: as `StoredPairs.open`.
    """
    sar, optical = read_sar(pair.sar), read_optical(pair.optical)
    if sar.pixels.shape != optical.pixels.shape[:2]:
        raise InputError(
            f"{pair.optical}: expected the size of {pair.sar} {sar.pixels.shape}, found {optical.pixels.shape[:2]}; "
            "the file belongs to another image"
        )
    masks = [raster.no_data() for raster in (sar, optical)]
    images = [
        _normalized(raster, mask, path)
        for raster, mask, path in zip((sar, optical), masks, (pair.sar, pair.optical), strict=True)
    ]
    return OpenPair(images[0], images[1], ~np.stack(masks))


def _normalized(raster: Raster, no_data: NDArray[np.bool_], path: Path) -> NDArray[np.float32]:
    found = None if no_data.all() else normalized(raster.pixels, no_data)
    if found is None:
        raise InputError(f"{path}: expected an image that shows something, found one value; leave the pair out")
    return found
