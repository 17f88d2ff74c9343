"""A matcher that tries every whole offset, and the tiles and labels that it can register."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping
from itertools import count, product
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.images.raster import write_raster
from stage2_sar_seg.registration.matcher import MATCHERS, Correspondences

KILL_AT = "STAND_IN_KILL_AT"
"""Environment variable: the call of `match`, from 1, in which the process ends itself as by kill -9."""

SIDE = 64
SHIFTS = {"a": (2, -1), "b": (-3, 0), "c": (0, 0), "d": (12, 0)}
"""What the SAR image of a tile shows is this far (rows, columns) away in the optical one; of d it is too far."""

_calls = count(1)


@MATCHERS.register_module(name="stand_in", force=True)
class StandIn:
    """Correlation coefficient of grey values at every whole offset; four points, all at the best one.

    A best offset at the end of the search is told as twice as far.
    """

    def __init__(self, patch: int = 40, search: int = 6) -> None:
        self.patch, self.search = patch, search

    def settings(self) -> Mapping[str, Any]:
        return {"matcher": "stand_in"}

    def match(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> Correspondences:
        if str(next(_calls)) == os.environ.get(KILL_AT):
            os.kill(os.getpid(), signal.SIGKILL)
        grey, (height, width) = optical.mean(axis=0), sar.shape
        offsets = list(product(range(2 * self.search + 1), repeat=2))
        alike = [np.corrcoef(sar.ravel(), grey[y : y + height, x : x + width].ravel())[0, 1] for y, x in offsets]
        move = np.array(offsets[int(np.argmax(alike))]) - self.search
        if np.abs(move).max() == self.search:
            move = 2 * move
        corners = np.array(list(product((0.0, height - 1), (0.0, width - 1))))
        return Correspondences(corners, corners + self.search + move, np.full(4, max(alike)))


def write_tiles(root: Path) -> Path:
    """Four training tiles with labels in `labels` and their truth in `truth`: returns the folder of the tiles.

    The SAR image of tile c is constant; e, a fifth, has none at all.
    """
    data = root / "data"
    for seed, name in enumerate("abcde"):
        down, right = SHIFTS.get(name, (0, 0))
        rng = np.random.default_rng(seed)
        noise = rng.standard_normal((SIDE + 40, SIDE + 40))
        scene = cv2.GaussianBlur(noise, (0, 0), 3)
        grey = np.clip(128 + 400 * scene, 1, 255).astype(np.uint8)
        labels = np.digitize(scene, np.quantile(scene, np.arange(1, 8) / 8)).astype(np.uint8) + 1
        seen, shown = np.s_[20 : 20 + SIDE, 20 : 20 + SIDE], np.s_[20 - down : 84 - down, 20 - right : 84 - right]
        sar = {"c": np.full_like(grey, 7), "e": np.zeros_like(grey)}.get(name, grey)
        write_raster(data / "train" / "sar_images" / f"{name}.tif", np.ascontiguousarray(sar[seen]))
        colours = np.stack([grey[shown], grey[shown] // 2, 255 - grey[shown] // 4], axis=2)
        write_raster(data / "train" / "rgb_images" / f"{name}.tif", colours)
        write_raster(root / "labels" / f"{name}.tif", np.ascontiguousarray(labels[shown]))
        for folder, area in (("labels", shown), ("sar_grid_labels", seen)):
            write_raster(root / "truth" / "train" / folder / f"{name}.tif", np.ascontiguousarray(labels[area]))
    return data
