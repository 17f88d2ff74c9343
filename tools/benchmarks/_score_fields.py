"""Score fields like those of trained models, made without training one.

A label map of the demo scenes is cut to cells of 4x4 pixels, at which SegFormer and UPerNet give their logits. A
model's logits of a cell are the share of each class in it, blurred by one cell, times `SURE`, plus noise of two sizes:
coarse, shared in part by the models, for whole objects that are taken for another class; fine, its own, for what
differs from cell to cell. They are enlarged bilinearly, as both networks' are, and go through a softmax.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.demo_scenes.layout import CITY, COUNTRYSIDE, SUBURB, lay_out
from landcover.score_files.score_file import DEFAULT_LOG_RANGE, Encoding, ScoreHeader, encode, write_scores

CELL = 4
SURE = 6.0
COARSE, COARSE_CELLS = 1.6, 10.0
FINE, FINE_CELLS = 0.35, 1.5

STYLES = (CITY, SUBURB, COUNTRYSIDE)


def true_labels(tile: int, side: int) -> NDArray[np.uint8]:
    """Label map (side, side), uint8 1..8, of a demo scene; the three layout styles in turn."""
    scene = lay_out(np.random.default_rng([7, tile]), side, side, STYLES[tile % len(STYLES)])
    return scene.crop(scene.labels)


def probabilities(labels: NDArray[np.uint8], tile: int, member: int) -> NDArray[np.float32]:
    """Class probabilities (8, H, W), float32, of one model for a label map whose sides are multiples of `CELL`."""
    height, width = labels.shape
    cells = (width // CELL, height // CELL)
    own, shared = np.random.default_rng([8, tile, member]), np.random.default_rng([9, tile])
    logits = np.empty((OPEN_EARTH_MAP.num_classes, height, width), dtype=np.float32)
    for plane in range(len(logits)):
        shares = cv2.resize((labels == plane + 1).astype(np.float32), cells, interpolation=cv2.INTER_AREA)
        field = SURE * cv2.GaussianBlur(shares, (0, 0), 1.0)
        field += COARSE * (_noise(own, cells, COARSE_CELLS) + _noise(shared, cells, COARSE_CELLS)) / np.sqrt(2)
        field += FINE * _noise(own, cells, FINE_CELLS)
        logits[plane] = cv2.resize(field, (width, height), interpolation=cv2.INTER_LINEAR)
    logits -= logits.max(axis=0)
    np.exp(logits, out=logits)
    return np.divide(logits, logits.sum(axis=0), out=logits)


def write_member(folder: Path, codes: NDArray[np.uint8], tile: str, encoding: Encoding = "logit") -> Path:
    """Writes codes (8, H, W) as `<folder>/<tile>.tif`; returns its path."""
    path = folder / f"{tile}.tif"
    classes, height, width = codes.shape
    header = ScoreHeader(folder.name, OPEN_EARTH_MAP.name, encoding, DEFAULT_LOG_RANGE, height, width, classes)
    write_scores(path, codes, header)
    return path


def field_codes(tile: int, member: int, side: int, encoding: Encoding = "logit") -> NDArray[np.uint8]:
    """Codes (8, side, side), uint8, of one model for one demo scene."""
    return encode(probabilities(true_labels(tile, side), tile, member), encoding)


def _noise(rng: np.random.Generator, cells: tuple[int, int], size: float) -> NDArray[np.float32]:
    """Gaussian noise of deviation 1, smooth over `size` cells."""
    field = cv2.GaussianBlur(rng.standard_normal((cells[1], cells[0]), dtype=np.float32), (0, 0), size)
    return np.asarray(field / field.std(), dtype=np.float32)
