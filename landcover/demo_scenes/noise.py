"""Smooth random fields, the raw material of textures and of coherent label errors."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, scale: float, octaves: int = 1
) -> NDArray[np.float32]:
    """A (height, width) float32 field of zero mean and unit deviation.

    Args:
        rng: consumed by a number of draws that depends on the size only.
        scale: distance in pixels over which the coarsest octave changes.
        octaves: number of layers, each with half the scale and half the amplitude of the one before.
    """
    field = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        step = max(scale / 2**octave, 1.0)
        grid = rng.standard_normal((int(height / step) + 4, int(width / step) + 4), dtype=np.float32)
        zoom = np.array([[1 / step, 0, 1], [0, 1 / step, 1]], np.float32)
        # remap keeps the scale exact for every size, so that a texture does not depend on the tile's side
        columns, lines = np.meshgrid(
            np.arange(width, dtype=np.float32) * zoom[0, 0] + 1, np.arange(height, dtype=np.float32) * zoom[1, 1] + 1
        )
        field += cv2.remap(grid, columns, lines, cv2.INTER_CUBIC) / 2**octave
    return ((field - field.mean()) / max(float(field.std()), 1e-6)).astype(np.float32)


def random_cells(rng: np.random.Generator, height: int, width: int, scale: float) -> NDArray[np.int64]:
    """Cell numbers 0..N-1 (height, width) of irregular connected patches about `scale` pixels across."""
    wobble_y = smooth_noise(rng, height, width, scale / 2, 2) * scale / 4
    wobble_x = smooth_noise(rng, height, width, scale / 2, 2) * scale / 4
    lines = np.floor((np.arange(height)[:, None] + wobble_y + rng.uniform(0, scale)) / scale).astype(np.int64)
    columns = np.floor((np.arange(width)[None] + wobble_x + rng.uniform(0, scale)) / scale).astype(np.int64)
    cells = (lines - lines.min()) * (int(np.ptp(columns)) + 1) + columns - columns.min()
    return np.unique(cells, return_inverse=True)[1].reshape(height, width)
