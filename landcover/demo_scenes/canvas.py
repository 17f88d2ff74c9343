"""Draws objects one over the other into the maps of a scene."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.scene import BUILDING, RANGELAND, ROAD, TREE, WATER, Objects, Scene

Points = NDArray[np.float64]
"""(N, 2) canvas coordinates, x to the right and y down, in pixels."""


class Canvas:
    """Collects objects; the last one drawn is on top. `finish` returns the scene.

    Args:
        height: lines, margin included.
        width: columns, margin included.
        margin: width of the margin in pixels.
        rng: draws each object's variant.
    """

    def __init__(self, height: int, width: int, margin: int, rng: np.random.Generator) -> None:
        self.height, self.width, self._margin, self._rng = height, width, margin, rng
        self._ids = np.zeros((height, width), np.int32)
        self._heights = np.zeros((height, width), np.float32)
        self._roof_side = np.zeros((height, width), np.int16)
        self._vehicles = np.zeros((height, width), np.uint8)
        self._markings = np.zeros((height, width), np.uint8)
        self._rows: list[tuple[int, float, float, float, bool]] = []
        self._trees: list[tuple[float, float, float]] = []
        self._object(RANGELAND)

    def polygon(
        self, points: Points, label: int, row_angle: float = 0.0, row_period: float = 0.0, orchard: bool = False
    ) -> None:
        """Draws flat ground or water."""
        number = self._object(label, row_angle, row_period, orchard)
        self._fill(self._ids, points, number)
        self._fill(self._heights, points, 0.0)
        self._fill(self._roof_side, points, 0)

    def building(self, points: Points, height: float, gabled: bool) -> None:
        """Draws a roof over four corners, `height` in metres; not where its middle or a corner lies in water."""
        if any(self.label_at(x, y) == WATER for x, y in (*points, points.mean(0))):
            return
        self._fill(self._ids, points, self._object(BUILDING))
        self._fill(self._heights, points, height)
        self._fill(self._roof_side, points, 1 if gabled else 0)
        if gabled:
            first, second = (points[0] + points[3]) / 2, (points[1] + points[2]) / 2
            self._fill(self._roof_side, np.array([points[0], points[1], second, first]), -1)

    def mask(self, mask: NDArray[np.bool_], label: int) -> None:
        """Draws ground where `mask` (H, W) is true."""
        self._ids[mask] = self._object(label)
        self._heights[mask] = 0
        self._roof_side[mask] = 0

    def region(self, points: Points) -> NDArray[np.bool_]:
        """True (H, W) inside the polygon."""
        inside = np.zeros((self.height, self.width), np.uint8)
        self._fill(inside, points, 1)
        return inside > 0

    def marking(self, points: Points) -> None:
        """Paints a dashed line, one pixel wide, along `points`."""
        for start, end in zip(points[::2], points[1::2], strict=False):
            cv2.line(self._markings, _corner(start), _corner(end), 1)

    def vehicle(self, points: Points, colour: int) -> None:
        """Puts a vehicle of colour 1..255 over four corners; it does not change the label below."""
        if self.label_at(*points.mean(0)) not in (TREE, WATER, BUILDING):
            self._fill(self._vehicles, points, colour)

    def tree(self, x: float, y: float, radius: float) -> None:
        """Plants a tree once everything else is drawn; not on roofs, roads or water."""
        self._trees.append((x, y, radius))

    def label_at(self, x: float, y: float) -> int:
        """Label at a point, 0 outside the canvas."""
        column, line = round(x), round(y)
        if not (0 <= column < self.width and 0 <= line < self.height):
            return 0
        return self._rows[self._ids[line, column]][0]

    def finish(self) -> Scene:
        """Plants the trees and returns the scene."""
        for x, y, radius in self._trees:
            if self.label_at(x, y) not in (0, BUILDING, ROAD, WATER):
                self._plant(x, y, radius)
        labels, angles, periods, variants, orchards = zip(*self._rows, strict=True)
        objects = Objects(
            classes=np.array(labels, np.uint8),
            variant=np.array(variants, np.float32),
            row_angle=np.array(angles, np.float32),
            row_period=np.array(periods, np.float32),
            orchard=np.array(orchards, np.bool_),
        )
        vehicles = np.where(objects.classes[self._ids] == TREE, 0, self._vehicles).astype(np.uint8)
        markings = (self._markings > 0) & (objects.classes[self._ids] == ROAD)
        roof_side = np.where(objects.classes[self._ids] == BUILDING, self._roof_side, 0).astype(np.int8)
        return Scene(self._ids, objects, self._heights, roof_side, vehicles, markings, self._margin)

    def _object(self, label: int, row_angle: float = 0.0, row_period: float = 0.0, orchard: bool = False) -> int:
        self._rows.append((label, row_angle, row_period, float(self._rng.random()), orchard))
        return len(self._rows) - 1

    def _plant(self, x: float, y: float, radius: float) -> None:
        reach = int(radius * 1.25) + 1
        top, left = max(round(y) - reach, 0), max(round(x) - reach, 0)
        window = np.s_[top : round(y) + reach + 1, left : round(x) + reach + 1]
        lines, columns = np.ogrid[
            top : min(round(y) + reach + 1, self.height), left : min(round(x) + reach + 1, self.width)
        ]
        phase, lobes = self._rng.uniform(0, 6.28), self._rng.integers(3, 6)
        direction = np.arctan2(lines - y, columns - x)
        distance = np.hypot(lines - y, columns - x) / (radius * (1 + 0.14 * np.sin(lobes * direction + phase)))
        crown = radius * self._rng.uniform(0.7, 1.0) * np.sqrt(np.clip(1 - distance**2, 0, 1))
        higher = crown > np.maximum(self._heights[window], 0.3)
        self._ids[window][higher] = self._object(TREE)
        self._heights[window][higher] = crown[higher]

    @staticmethod
    def _fill(target: NDArray[np.generic], points: Points, value: float) -> None:
        cv2.fillPoly(target, [np.rint(points).astype(np.int32)], value)


def _corner(point: NDArray[np.float64]) -> tuple[int, int]:
    return round(float(point[0])), round(float(point[1]))
