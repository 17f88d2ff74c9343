"""Label maps as wrong as published pseudo-labels, but by chance: which objects are confused, and with what, is drawn.

They are for the study of losses; see systematic_labels.py for errors that repeat.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.agreement import AGREEMENT
from landcover.demo_scenes.appearance import CELL
from landcover.demo_scenes.noise import random_cells, smooth_noise
from landcover.demo_scenes.scene import TREE

# Row: true class, column: what an error turns it into; every row sums to 1. From the usual confusions of optical
# land-cover maps: bare soil with dry grass, pavement and ploughed fields, trees with scrub, crops with grass, roads
# with pavement. Only the shares inside a row are ours; how much of a class is wrong comes from AGREEMENT.
CONFUSED_WITH = np.array(
    [
        # bare  range  devel  road   tree   water  agri   build
        [0.00, 0.40, 0.30, 0.05, 0.00, 0.02, 0.18, 0.05],  # bareland
        [0.16, 0.00, 0.24, 0.08, 0.27, 0.01, 0.20, 0.04],  # rangeland
        [0.14, 0.30, 0.00, 0.30, 0.05, 0.01, 0.02, 0.18],  # developed
        [0.03, 0.14, 0.58, 0.00, 0.13, 0.00, 0.00, 0.12],  # road
        [0.01, 0.72, 0.05, 0.02, 0.00, 0.03, 0.13, 0.04],  # tree
        [0.10, 0.35, 0.20, 0.00, 0.25, 0.00, 0.10, 0.00],  # water
        [0.17, 0.62, 0.07, 0.02, 0.12, 0.00, 0.00, 0.00],  # agriculture
        [0.03, 0.14, 0.60, 0.12, 0.10, 0.01, 0.00, 0.00],  # building
    ]
)

CONCENTRATION = 30.0
"""How much tiles differ in quality: the Beta distribution of a class's agreement in one tile has this a + b."""

OUTLINE_SHIFT = 0.9
"""Root mean square displacement of outlines in pixels."""


def random_labels(
    labels: NDArray[np.uint8], ids: NDArray[np.int32], variant: NDArray[np.float32], rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Pseudo-labels (H, W) uint8 for the truth `labels`.

    Outlines are moved first. Then, class by class, the objects (or parts of large ones) that are most error-prone are
    given another class until the agreement drawn for this tile is reached. How prone an object is, is half its
    material and half chance; its wrong class is chance alone.

    Args:
        labels: truth (H, W), 1..8.
        ids: object at every pixel (H, W).
        variant: material 0..1 of every object.
        rng: draws the errors of this tile.
    """
    height, width = labels.shape
    wanted = rng.beta(CONCENTRATION * AGREEMENT, CONCENTRATION * (1 - AGREEMENT))
    result = _move_outlines(labels, rng)
    cells = random_cells(rng, height, width, CELL)
    # half of the proneness is the material, half is chance; trees are judged by the area they stand in
    object_prone = 0.5 * variant + 0.5 * rng.random(variant.size)
    cell_prone = rng.random(int(cells.max()) + 1)
    prone = np.where(labels == TREE, cell_prone[cells], object_prone[ids]) + 0.12 * smooth_noise(
        rng, height, width, 18, 2
    )
    object_draw, cell_draw = rng.random(variant.size), rng.random(int(cells.max()) + 1)
    draw = np.where(labels == TREE, cell_draw[cells], object_draw[ids])
    for label in range(1, 9):
        wrong = _most_prone(prone, labels == label, result == label, wanted[label - 1])
        limits = np.cumsum(CONFUSED_WITH[label - 1])
        result[wrong] = np.minimum(np.searchsorted(limits, draw[wrong], side="right"), 7) + 1
    return result


def _move_outlines(labels: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """The map (H, W) warped by a smooth random field, with corners rounded by a median."""
    height, width = labels.shape
    y, x = np.mgrid[:height, :width].astype(np.float32)
    y += OUTLINE_SHIFT / np.sqrt(2) * smooth_noise(rng, height, width, 16)
    x += OUTLINE_SHIFT / np.sqrt(2) * smooth_noise(rng, height, width, 16)
    return cv2.medianBlur(cv2.remap(labels, x, y, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE), 3)


def _most_prone(
    prone: NDArray[np.floating], truth: NDArray[np.bool_], right: NDArray[np.bool_], wanted: float
) -> NDArray[np.bool_]:
    """The most prone of the pixels that are still right, so many that a share `wanted` of the truth stays right."""
    candidates = truth & right
    count = int(candidates.sum())
    excess = count - round(wanted * int(truth.sum()))
    if excess <= 0:
        return np.zeros_like(truth)
    threshold = np.partition(prone[candidates], count - excess)[count - excess]
    return candidates & (prone >= threshold)
