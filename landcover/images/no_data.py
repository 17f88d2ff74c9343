"""Where an image holds no measurement: one rule for SAR and optical images, tiles and scenes.

No data is, in this order,
1. what the file declares: its no-data value, its mask (inside of the file or beside it), alpha 0;
2. what can be no measurement: NaN, infinite and absurdly large numbers;
3. regions of such pixels and zeros that touch the border of the image, of at least `MIN_AREA` pixels.

A declared value of 0 is not taken at its word in integers, where dark water and shadow are 0 as well: of those zeros,
regions of at least `MIN_AREA` pixels are no data wherever they lie. An image without anything but no data and zeros
is no data everywhere, whatever its size.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_AREA = 1000
"""Smallest no-data region, in pixels.

Wedges at the edge of an acquisition have thousands of pixels. Zeros inside dark water, shadow and asphalt are data; of
five real 580x580 SAR tiles with up to 3.4% zeros the largest 8-connected group has 221 pixels, the largest at a border
94. 1000 is well above those, and a region below it is under 0.1% of a 1024x1024 tile.
"""

LARGEST = 1e30
"""Numbers of this size and above are no measurements: programs write the largest float32, 3.4e38, for no data."""


@dataclass(frozen=True)
class Raster:
    """Pixels of an image, and where its file says that they are none.

    Args:
        pixels: (H, W) of one band, (H, W, C) of several.
        missing: bool (H, W), True = points 1 and 2 of the rule; None if there is no such pixel.
        zeros_declared: whether 0 is the no-data value of integers.
    """

    pixels: NDArray[Any]
    missing: NDArray[np.bool_] | None = None
    zeros_declared: bool = False

    def no_data(self, min_area: int = MIN_AREA) -> NDArray[np.bool_]:
        """Mask of the pixels without a measurement, if this is the whole image: bool (H, W), True = no data.

        Args:
            min_area: smallest region of zeros, in pixels.
        """
        if not self._may_have_regions():
            return np.zeros(self.pixels.shape[:2], dtype=bool)
        empty = self.empty()
        if empty.all():
            return empty
        regions = Regions.of(empty)
        is_no_data = regions.areas >= min_area
        if not self.zeros_declared:
            at_border = np.zeros(len(regions.areas), dtype=bool)
            at_border[_border(regions.numbers)] = True
            is_no_data &= at_border
        is_no_data[0] = False
        mask = is_no_data[regions.numbers]
        return mask if self.missing is None else mask | self.missing

    def empty(self) -> NDArray[np.bool_]:
        """Pixels that are missing or 0 in every band: bool (H, W), contiguous."""
        empty = _zero(self.pixels)
        return np.ascontiguousarray(empty if self.missing is None else empty | self.missing)

    def _may_have_regions(self) -> bool:
        """False spares the labelling of regions, as for most images."""
        return self.missing is not None or self.zeros_declared or bool(_zero(_border(self.pixels)[None]).any())


@dataclass(frozen=True)
class Regions:
    """8-connected regions of empty pixels.

    Args:
        numbers: int32 (H, W), number of the region of every pixel; 0 is everything that is not empty.
        areas: int32 (N,), pixels of every region by number.
    """

    numbers: NDArray[np.int32]
    areas: NDArray[np.int32]

    @staticmethod
    def of(empty: NDArray[np.bool_]) -> Regions:
        """Those of bool (H, W), contiguous."""
        _, numbers, statistics, _ = cv2.connectedComponentsWithStats(
            empty.view(np.uint8), connectivity=8, ltype=cv2.CV_32S
        )
        return Regions(numbers, statistics[:, cv2.CC_STAT_AREA])


def no_measurement(values: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where values are NaN, infinite or of `LARGEST` and above: bool of their shape; None if nowhere."""
    if values.dtype.kind not in "fc" or not values.size:
        return None
    if values.dtype.kind == "f" and values.min() > -LARGEST and values.max() < LARGEST:  # False for NaN
        return None
    lacking = ~(np.abs(values) < LARGEST)
    return lacking if lacking.any() else None


def _zero(image: NDArray[Any]) -> NDArray[np.bool_]:
    zero: NDArray[np.bool_] = image == 0
    return in_all_bands(zero) if image.ndim == 3 else zero


def in_all_bands(flags: NDArray[np.bool_], axis: int = 2) -> NDArray[np.bool_]:
    """Where flags of all bands are set."""
    return np.asarray(flags.all(axis=axis))


def in_any_band(flags: NDArray[np.bool_], axis: int = 2) -> NDArray[np.bool_]:
    """Where the flag of a band is set."""
    return np.asarray(flags.any(axis=axis))


def _border(plane: NDArray[Any]) -> NDArray[Any]:
    """The outermost pixels of (H, W) or (H, W, C), in one row: (N,) or (N, C)."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
