"""How often values occur in label maps."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.classes.scheme import ClassScheme

EXACT = 2**24
"""Pixels that OpenCV counts at a time: its counts are float32."""


def label_counts(labels: NDArray[np.uint8], scheme: ClassScheme) -> NDArray[np.int64]:
    """Pixels per label: int64 (C + 1,), void first.

    Args:
        labels: uint8 of any shape, values 0..C of `scheme`.
    """
    return byte_counts(labels)[: scheme.num_classes + 1]


def byte_counts(values: NDArray[np.uint8]) -> NDArray[np.int64]:
    """How often each of 0..255 occurs in uint8 of any shape: int64 (256,).

    Quicker than `np.bincount`, which makes int64 of all values first.
    """
    line = values.reshape(1, -1)
    counts = np.zeros(256, np.int64)
    for start in range(0, line.size, EXACT):
        counts += cv2.calcHist([line[:, start : start + EXACT]], [0], None, [256], [0, 256])[:, 0].astype(np.int64)
    return counts
