"""Seamless sums of overlapping windows, in memory for one row of windows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landcover.prediction.merging import window_profile
from landcover.prediction.sliding_window import window_starts


def blending_weights(length: int, window: int, stride: int) -> dict[int, NDArray[np.float32]]:
    """Weights of the windows along one axis, by their first pixels: they add up to 1 at every pixel.

    A window counts most in its middle and almost nothing at its ends (`window_profile`), so no border between windows
    can be seen. The weight of a pixel of a window is the product of both axes.

    Args:
        length: pixels of the axis.
        window: pixels of a window; shorter axes are one window.
        stride: step between windows, 1..window.

    Returns:
        (min(window, length),) float32 each, above 0.
    """
    size = min(window, length)
    profile = window_profile(size, "cosine").numpy()
    starts = window_starts(length, window, stride)
    total = np.zeros(length)
    for start in starts:
        total[start : start + size] += profile
    return {start: (profile / total[start : start + size]).astype(np.float32) for start in starts}


class RollingSums:
    """Sums of scores for the rows that are being worked on; rows that are taken out make room for those below.

    Args:
        classes: C, scores of a pixel.
        rows: how many rows are held at once: the largest height of a block that is added.
        columns: of the image that are summed.
        top: first row of interest.
        device: where to keep the sums.
    """

    def __init__(self, classes: int, rows: int, columns: slice, top: int, device: torch.device) -> None:
        self._columns, self._top = columns, top
        self._sums = torch.zeros((classes, rows, columns.stop - columns.start), device=device)

    def add(self, top: int, left: int, scores: Tensor, weights: Tensor) -> None:
        """Adds scores (C, h, w), times weights (h, w), of the block at (top, left) of the image.

        What lies above the first row of interest or outside of the columns is dropped. Blocks come in the order of
        their tops, and rows above a block are taken out before it is added.
        """
        first_row = max(0, self._top - top)
        first, last = max(0, self._columns.start - left), min(scores.shape[2], self._columns.stop - left)
        begin = left + first - self._columns.start
        for held, rows in self._places(top + first_row, scores.shape[1] - first_row):
            part = (slice(first_row + rows.start, first_row + rows.stop), slice(first, last))
            self._sums[:, held, begin : begin + last - first].addcmul_(scores[:, *part], weights[part])

    def take(self, count: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Best class and its score of the next `count` rows, which are then done.

        Returns:
            (count, columns) uint8, (count, columns) float32.

        Raises:
            ValueError: a score is not a number, as after a training run that diverged.
        """
        classes, scores = [], []
        for held, _ in self._places(self._top, count):
            best, index = self._sums[:, held].max(dim=0)
            self._sums[:, held] = 0
            scores.append(best.cpu().numpy())
            classes.append(index.to(torch.uint8).cpu().numpy())
        self._top += count
        if not all(np.isfinite(part).all() for part in scores):
            raise ValueError("class probabilities contain NaN; the model diverged or its weights are damaged")
        return np.concatenate(classes), np.concatenate(scores)

    def _places(self, top: int, count: int) -> Iterator[tuple[slice, slice]]:
        """Where `count` rows from `top` on are held, and which of them: two parts if they wrap around."""
        size = self._sums.shape[1]
        first = top % size
        before = min(count, size - first)
        yield slice(first, first + before), slice(0, before)
        if before < count:
            yield slice(0, count - before), slice(before, count)
