"""Masks of whole images that are kept for long."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PackedMask:
    """A mask in few bytes: 2 kB for a wedge in 1024 x 1024 pixels, none where it is nowhere set.

    Args:
        shape: of the mask.
        data: its bits, deflated; empty if none is set.
    """

    shape: tuple[int, ...]
    data: bytes

    @staticmethod
    def of(mask: NDArray[np.bool_]) -> PackedMask:
        """A mask of any shape, packed."""
        return PackedMask(mask.shape, zlib.compress(np.packbits(mask).tobytes(), 1) if mask.any() else b"")

    def unpacked(self) -> NDArray[np.bool_] | None:
        """The mask, bool; None if it is nowhere set."""
        if not self.data:
            return None
        bits = np.frombuffer(zlib.decompress(self.data), np.uint8)
        return np.unpackbits(bits, count=math.prod(self.shape)).view(np.bool_).reshape(self.shape)
