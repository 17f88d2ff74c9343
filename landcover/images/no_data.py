"""Where a tile holds no measurement: zero regions that reach its border."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

MIN_AREA = 1000
"""Smallest no-data region, in pixels.

Wedges at the edge of an acquisition have thousands of pixels. Zeros inside dark water, shadow and asphalt are data; of
five real 580x580 SAR tiles with up to 3.4% zeros the largest 8-connected group has 221 pixels, the largest at a border
94. 1000 is well above those, and a region below it is under 0.1% of a 1024x1024 tile.
"""


def no_data_mask(image: NDArray[np.generic], min_area: int = MIN_AREA) -> NDArray[np.bool_]:
    """Mask of the pixels without a measurement: bool (H, W), True = no data.

    A region of no data is 8-connected, zero in every band (or not a number), touches the border of the image and has
    at least `min_area` pixels. Dark pixels inside the image stay data, and no trained network is needed for it.

    Args:
        image: (H, W) or (H, W, C), any integer or float type.
        min_area: smallest region in pixels.
    """
    if not _empty_pixels(_border(image)[None]).any():
        return np.zeros(image.shape[:2], dtype=bool)
    empty = _empty_pixels(image)
    _, regions, statistics, _ = cv2.connectedComponentsWithStats(empty.view(np.uint8), connectivity=8, ltype=cv2.CV_32S)
    is_no_data = np.zeros(len(statistics), dtype=bool)
    is_no_data[_border(regions)] = True
    is_no_data &= statistics[:, cv2.CC_STAT_AREA] >= min_area
    is_no_data[0] = False  # region 0 is everything that is not empty
    return is_no_data[regions]


def _empty_pixels(image: NDArray[np.generic]) -> NDArray[np.bool_]:
    """Pixels whose every band is 0 or not a number: bool (H, W), contiguous."""
    empty = image == 0
    if np.issubdtype(image.dtype, np.floating):
        empty |= np.isnan(image)
    return np.ascontiguousarray(empty.all(axis=2) if image.ndim == 3 else empty)


def _border(plane: NDArray[np.generic]) -> NDArray[np.generic]:
    """The outermost pixels of (H, W) or (H, W, C), in one row: (N,) or (N, C)."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])
