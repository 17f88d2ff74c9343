"""A synthetic scene: what stands where, before any sensor looks at it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

PixelType = TypeVar("PixelType", bound=np.generic)

BARELAND, RANGELAND, DEVELOPED, ROAD, TREE, WATER, AGRICULTURE, BUILDING = range(1, 9)
"""Labels of the OpenEarthMap scheme."""

GROUND_SAMPLE_DISTANCE = 0.5
"""Metres per pixel of every scene."""


@dataclass(frozen=True)
class Objects:
    """One row per object of a scene; all arrays have length N.

    Args:
        classes: uint8, label 1..8.
        variant: float32 in [0, 1), picks a material within the class (roof, crop, kind of water).
        row_angle: float32, direction across the rows of a field in radians.
        row_period: float32, distance of rows in pixels; 0 = no rows.
        orchard: bool, rows broken into dots.
    """

    classes: NDArray[np.uint8]
    variant: NDArray[np.float32]
    row_angle: NDArray[np.float32]
    row_period: NDArray[np.float32]
    orchard: NDArray[np.bool_]


@dataclass(frozen=True)
class Scene:
    """Maps (H, W) of a scene with a margin on every side, so that shadows and shifts come from real neighbours.

    Args:
        ids: int32, row of `objects` at every pixel.
        objects: the objects.
        heights: float32, metres above ground of roofs and crowns.
        roof_side: int8, the two sides of a gabled roof are -1 and 1, all else 0.
        vehicles: uint8, 0 = none, otherwise number of the vehicle's colour.
        markings: bool, paint on roads.
        margin: width of the margin in pixels.
    """

    ids: NDArray[np.int32]
    objects: Objects
    heights: NDArray[np.float32]
    roof_side: NDArray[np.int8]
    vehicles: NDArray[np.uint8]
    markings: NDArray[np.bool_]
    margin: int

    @property
    def labels(self) -> NDArray[np.uint8]:
        """True labels (H, W), margin included."""
        return self.objects.classes[self.ids]

    def crop(self, pixels: NDArray[PixelType]) -> NDArray[PixelType]:
        """`pixels` (H, W, ...) without the margin."""
        return pixels[self.margin : -self.margin, self.margin : -self.margin]

    def row_pattern(self) -> NDArray[np.float32]:
        """Waves -1..1 (H, W) of the rows of fields, 0 where there are none."""
        height, width = self.ids.shape
        y, x = np.mgrid[:height, :width].astype(np.float32)
        angle, period = self.objects.row_angle[self.ids], self.objects.row_period[self.ids]
        turn = 2 * np.pi / np.maximum(period, 1)
        rows = np.sin((x * np.cos(angle) + y * np.sin(angle)) * turn)
        across = np.sin((y * np.cos(angle) - x * np.sin(angle)) * turn)
        rows = np.where(self.objects.orchard[self.ids], rows * (0.5 + 0.5 * across), rows)
        return np.where(period > 0, rows, 0).astype(np.float32)
