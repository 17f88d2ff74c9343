"""Which part of a tile each class has: by what models say, or by labels."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def shares_of_probabilities(probabilities: NDArray[np.float32], valid: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Mean probability of every class, float64 (C,), sum 1; zeros without valid pixels.

    Args:
        probabilities: float32 (C, H, W), >= 0.
        valid: bool (H, W), pixels that count.
    """
    sums = np.array([plane.sum(where=valid, dtype=np.float64) for plane in probabilities])
    return _normalised(sums)


def shares_of_labels(label_maps: Iterable[NDArray[np.uint8]], classes: int) -> NDArray[np.float64]:
    """Share of every class in the known pixels of label maps together, float64 (C,), sum 1; zeros if none is known.

    Args:
        label_maps: uint8 (H, W), 0 = unknown.
        classes: C.
    """
    counts = sum((np.bincount(labels.ravel(), minlength=classes + 1) for labels in label_maps), np.zeros(classes + 1))
    return _normalised(counts[1:].astype(np.float64))


def _normalised(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    total = counts.sum()
    return counts / total if total else counts
