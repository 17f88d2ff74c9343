"""What the pieces of an optical image look like: colour, texture, surroundings and shape, as numbers."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.noise import random_cells
from landcover.demo_scenes.scene import TREE, Scene

CELL = 34.0
"""Extent in pixels of the areas into which large objects are cut, and within which trees are one piece."""

FINE, COARSE, SURROUNDINGS, WIDE = 2.0, 6.0, 10.0, 25.0
"""Deviations in pixels of the Gaussian windows of texture, and of what surrounds a piece."""


@dataclass(frozen=True)
class Appearance:
    """Pieces of one tile.

    Args:
        piece: int64 (H, W), number 0..N-1 of the piece at every pixel.
        labels: uint8 (N,), true label of every piece.
        area: float64 (N,), pixels.
        features: float64 (N, F), relative to the image: over its pixels they have mean 0 and deviation 1, as a
            histogram match would make them.
    """

    piece: NDArray[np.int64]
    labels: NDArray[np.uint8]
    area: NDArray[np.float64]
    features: NDArray[np.float64]


def appearance(scene: Scene, image: NDArray[np.uint8], rng: np.random.Generator) -> Appearance:
    """Pieces of `image` (H, W, 3), the scene without its margin; `rng` draws where large objects are cut."""
    labels = np.ascontiguousarray(scene.crop(scene.labels))
    height, width = labels.shape
    cells = random_cells(rng, height, width, CELL)
    objects = np.where(labels == TREE, -1, scene.crop(scene.ids)).astype(np.int64)
    _, first, piece = np.unique(objects * (int(cells.max()) + 1) + cells, return_index=True, return_inverse=True)
    piece = piece.reshape(labels.shape)
    area = np.bincount(piece.ravel()).astype(np.float64)
    found = np.stack([*_looks(image.astype(np.float32), piece, area), *_shapes(piece, area)], axis=1)
    weight = area[:, None] / area.sum()
    mean = (weight * found).sum(0)
    deviation = np.sqrt((weight * (found - mean) ** 2).sum(0))
    return Appearance(piece, labels.ravel()[first], area, (found - mean) / np.maximum(deviation, 1e-6))


def _looks(
    image: NDArray[np.float32], piece: NDArray[np.int64], area: NDArray[np.float64]
) -> list[NDArray[np.float64]]:
    """Brightness and colour of every piece, how they vary, and how they differ from those of its surroundings."""
    grey = image.mean(2)
    brightness, spread = _mean(grey, piece, area), _deviation(grey, piece, area)
    textures = [_mean(_local_deviation(grey, window), piece, area) for window in (FINE, COARSE)]
    slope = np.hypot(cv2.Sobel(grey, cv2.CV_32F, 1, 0), cv2.Sobel(grey, cv2.CV_32F, 0, 1))
    edges = _mean(np.log1p(cv2.GaussianBlur(slope, (0, 0), FINE)), piece, area)
    around = cv2.GaussianBlur(image, (0, 0), SURROUNDINGS)
    colour, colour_around = (
        [_mean(pixels[..., band] / (pixels.sum(2) + 1), piece, area) for band in (0, 1)] for pixels in (image, around)
    )
    contrast = [
        _mean(cv2.GaussianBlur(grey, (0, 0), window), piece, area) - brightness for window in (SURROUNDINGS, WIDE)
    ]
    redder = colour[0] - colour_around[0]
    return [brightness, *colour, spread, *textures, edges, *colour_around, *contrast, redder]


def _shapes(piece: NDArray[np.int64], area: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Logarithms of area, elongation and of the share of its ellipse's rectangle that every piece fills."""
    y, x = np.mgrid[: piece.shape[0], : piece.shape[1]].astype(np.float64)
    mean_y, mean_x = _mean(y, piece, area), _mean(x, piece, area)
    # a pixel is a square with a variance of its own
    var_y = _mean(y * y, piece, area) - mean_y**2 + 1 / 12
    var_x = _mean(x * x, piece, area) - mean_x**2 + 1 / 12
    covariance = _mean(x * y, piece, area) - mean_x * mean_y
    half, determinant = (var_x + var_y) / 2, np.maximum(var_x * var_y - covariance**2, 1e-6)
    root = np.sqrt(np.maximum(half**2 - determinant, 0))
    return [np.log(area), np.log((half + root) / (half - root)), np.log(area / (12 * np.sqrt(determinant)))]


def _mean(pixels: NDArray[np.floating], piece: NDArray[np.int64], area: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.bincount(piece.ravel(), pixels.ravel().astype(np.float64), area.size) / area


def _deviation(
    pixels: NDArray[np.floating], piece: NDArray[np.int64], area: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.sqrt(np.maximum(_mean(pixels * pixels, piece, area) - _mean(pixels, piece, area) ** 2, 0))


def _local_deviation(grey: NDArray[np.float32], window: float) -> NDArray[np.float32]:
    mean, square = (cv2.GaussianBlur(pixels, (0, 0), window) for pixels in (grey, grey * grey))
    return np.sqrt(np.maximum(square - mean**2, 0))
