"""Label maps moved from the grid of the optical image onto that of the SAR image."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from landcover.classes import VOID


def transfer_labels(labels: NDArray[np.uint8], transform: ArrayLike) -> NDArray[np.uint8]:
    """Label map on the grid of the SAR image: every pixel's label is the one whose pixel is nearest to where it lies.

    Labels are not mixed: places between pixels are rounded to the nearest centre, halves up.

    Args:
        labels: uint8 (H, W) on the grid of the optical image, 0 = unknown; left as it is.
        transform: (2, 3); what is at (row, column) in the SAR image is at transform @ (row, column, 1) in the optical
            image. An offset (rows, columns) is ((1, 0, rows), (0, 1, columns)).

    Returns:
        uint8 (H, W), 0 where the optical image ends.
    """
    height, width = labels.shape
    row, column = np.arange(height)[:, None], np.arange(width)
    rows, columns = (
        np.floor(down * row + across * column + shift + 0.5).astype(np.int64)
        for down, across, shift in np.asarray(transform, np.float64)
    )
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    moved = np.full(labels.shape, VOID, np.uint8)
    moved[inside] = labels[rows[inside], columns[inside]]
    return moved
