"""Images and maps as small pictures: pure functions from full-size arrays."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID
from landcover.images.no_data import Raster

LARGEST_SIDE = 320
"""Largest side of a picture, pixels."""

PERCENTILES = (2.0, 98.0)
"""SAR amplitudes shown as black and white: speckle and single bright echoes would else darken everything."""

CORRECT, WRONG = 1, 2
ERROR_COLOURS = np.array([(0, 0, 0), (0xDD, 0xDD, 0xDD), (0xC5, 0x1B, 0x7D)], dtype=np.uint8)
"""RGB of no truth, correct and wrong; grey and purple differ for every kind of colour vision, in print too."""


def stretch_sar(sar: Raster) -> NDArray[np.uint8]:
    """Grey picture (H, W) of SAR amplitudes, uint8: no-data 0, measured pixels 1..255.

    Args:
        sar: the whole image, uint8, uint16 or float32, of whose bands the first is shown; stretched between
            `PERCENTILES` of the measured pixels.
    """
    empty = sar.no_data()
    if empty.all():
        return np.zeros(empty.shape, dtype=np.uint8)
    values = (sar.pixels if sar.pixels.ndim == 2 else sar.pixels[..., 0]).astype(np.float32)
    low, high = np.percentile(values[~empty], PERCENTILES)
    grey = 1.0 + 254.0 * np.clip((values - low) / max(high - low, 1e-6), 0.0, 1.0)
    return np.where(empty, 0, np.rint(grey)).astype(np.uint8)


def error_map(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Map (H, W) of `CORRECT` and `WRONG`, 0 where the truth is void.

    Args:
        truth: uint8 labels (H, W), 0..C.
        predicted: uint8 labels of the same shape.
    """
    return np.where(truth == VOID, VOID, np.where(truth == predicted, CORRECT, WRONG)).astype(np.uint8)


def agreement(truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> float | None:
    """Share 0..1 of the labelled pixels of `truth` with the same label in `predicted`, None if none is labelled."""
    errors = error_map(truth, predicted)
    labelled = np.count_nonzero(errors)
    return np.count_nonzero(errors == CORRECT) / labelled if labelled else None


def shrink_image(pixels: NDArray[np.uint8], side: int = LARGEST_SIDE) -> NDArray[np.uint8]:
    """Image (H, W) or (H, W, 3) averaged down to at most `side` pixels a side; smaller ones stay as they are."""
    height, width = _size(pixels, side)
    if (height, width) == pixels.shape[:2]:
        return pixels
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def shrink_map(labels: NDArray[np.uint8], side: int = LARGEST_SIDE) -> NDArray[np.uint8]:
    """Label map (H, W) with the pixels nearest to the centres of at most `side` cells a side."""
    height, width = _size(labels, side)
    rows = (np.arange(height) * 2 + 1) * labels.shape[0] // (2 * height)
    columns = (np.arange(width) * 2 + 1) * labels.shape[1] // (2 * width)
    return labels[rows[:, None], columns]


def side_by_side(pictures: Sequence[NDArray[np.uint8]], gap: int = 4) -> NDArray[np.uint8]:
    """RGB pictures (H, W, 3) of one height in a row, with white between them."""
    white = np.full((pictures[0].shape[0], gap, 3), 255, dtype=np.uint8)
    parts = [part for picture in pictures for part in (white, picture)]
    return np.concatenate(parts[1:], axis=1)


def _size(pixels: NDArray[np.uint8], side: int) -> tuple[int, int]:
    height, width = pixels.shape[:2]
    scale = min(1.0, side / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))
