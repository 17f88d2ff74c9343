"""Cast shadows, of the sun and of the radar alike."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.scene import GROUND_SAMPLE_DISTANCE


def translate(pixels: NDArray[np.float32], x: float, y: float) -> NDArray[np.float32]:
    """`pixels` (H, W) moved by (x, y) pixels, bilinear; what comes in from outside repeats the border."""
    motion = np.array([[1, 0, x], [0, 1, y]], np.float32)
    return cv2.warpAffine(pixels, motion, pixels.shape[::-1], flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def cast_shadow(heights: NDArray[np.float32], azimuth: float, elevation: float) -> NDArray[np.bool_]:
    """True (H, W) where something higher stands in the way of rays.

    Args:
        heights: metres above ground (H, W).
        azimuth: direction in which the rays travel, radians, 0 = to the right, pi / 2 = down.
        elevation: angle of the rays above the horizon in radians.
    """
    drop = float(np.tan(elevation)) * GROUND_SAMPLE_DISTANCE  # metres that a ray falls per pixel
    shadow = np.zeros(heights.shape, np.bool_)
    for distance in range(1, int(float(heights.max()) / drop) + 1):
        moved = translate(heights, distance * np.cos(azimuth), distance * np.sin(azimuth))
        shadow |= moved - distance * drop > heights + 0.2
    return shadow
