"""Images for tests of matchers."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def field_pattern(height: int, width: int, seed: int = 0) -> NDArray[np.float32]:
    """Grey values 20..220 of random fields with sharp outlines, (height, width)."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-20, [height + 20, width + 20], (height * width // 300, 2))
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    nearest = np.full((height, width), np.inf)
    image = np.zeros((height, width), dtype=np.float32)
    for row, column in centres:
        distance = np.hypot(rows - row, columns - column)
        image[distance < nearest] = rng.uniform(20, 220)
        nearest = np.minimum(distance, nearest)
    return cv2.GaussianBlur(image, (0, 0), 0.7)


def pair(
    side: int, offset: tuple[int, int], seed: int = 0, looks: int = 8
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """SAR image (side, side) with speckle and optical image (side, side, 3) of the same fields, moved by `offset`.

    What is at p in the SAR image is at p + offset in the optical one; the optical one has other grey values.
    """
    margin = 40
    pattern = field_pattern(side + 2 * margin, side + 2 * margin, seed)
    row, column = margin + offset[0], margin + offset[1]
    speckle = np.sqrt(np.random.default_rng(seed).gamma(looks, 1 / looks, (side, side)))
    sar = pattern[row : row + side, column : column + side] * speckle
    grey = pattern[margin : margin + side, margin : margin + side]
    optical = np.stack([240 - grey, 60 + grey / 2, np.abs(grey - 120)], axis=-1)
    return np.clip(np.rint(sar), 1, 255).astype(np.uint8), np.clip(np.rint(optical), 1, 255).astype(np.uint8)
