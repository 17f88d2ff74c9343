"""Superpixels of an optical image: regions of about one size that end where colours change."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

UNFLOODED = 0


def superpixels(image: NDArray[np.uint8], side: int) -> NDArray[np.int64]:
    """Number of the region that every pixel lies in, int64 (H, W), from 0 without gaps.

    Every cell of a regular grid has one seed, its smoothest pixel; watershed by colour differences grows them together.

    Machairas, Faessel, Cárdenas-Peña, Chabardes, Walter, Decencière: Waterpixels, IEEE TIP 2015. The image is smoothed
    by a median, and regions are not pulled towards the middle of their cells: our choice.

    Args:
        image: uint8 (H, W, 3).
        side: of a cell, in pixels, >= 1.
    """
    smooth = cv2.medianBlur(image, 3)
    seeds = np.pad(_seeds(smooth, side), 1)  # watershed gives the outermost pixels to no region
    framed = cv2.copyMakeBorder(smooth, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    found = cv2.watershed(framed, seeds)[1:-1, 1:-1].astype(np.float32)
    while (found <= UNFLOODED).any():  # lines between regions go to one of the two
        found = np.where(found <= UNFLOODED, cv2.dilate(found, np.ones((3, 3), np.uint8)), found)
    return found.astype(np.int64) - 1


def _seeds(image: NDArray[np.uint8], side: int) -> NDArray[np.int32]:
    """1, 2, ... at the smoothest pixel of every cell, 0 elsewhere, int32 (H, W)."""
    height, width = image.shape[:2]
    rows, columns = -(-height // side), -(-width // side)
    steepness = cv2.morphologyEx(image, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(2).astype(np.int32)
    padded = np.pad(
        steepness, ((0, rows * side - height), (0, columns * side - width)), constant_values=np.iinfo(np.int32).max
    )
    cells = padded.reshape(rows, side, columns, side).swapaxes(1, 2).reshape(rows, columns, side * side)
    inside = cells.argmin(2)
    seeds = np.zeros((height, width), np.int32)
    y = np.arange(rows)[:, None] * side + inside // side
    x = np.arange(columns) * side + inside % side
    seeds[y, x] = np.arange(1, rows * columns + 1).reshape(rows, columns)
    return seeds
