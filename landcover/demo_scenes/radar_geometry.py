"""What a radar's side look does to things that stand up: layover, shadow, double bounce."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.scene import BUILDING, GROUND_SAMPLE_DISTANCE, TREE, Scene
from landcover.demo_scenes.shadow import cast_shadow, translate

DOUBLE_BOUNCE = 2.0
"""Intensity of the corner between ground and a wall that faces the sensor."""

FACADE = 0.24
"""Intensity of window frames and balconies on such a wall."""

CROWN_DEPTH = 0.6
"""Height of the mean scattering centre of a crown, as a share of its height: the pulse enters the volume."""

THROUGH_CROWN = 0.4
"""Share of the intensity that is left behind a crown."""

STOREY = 3.0
"""Height in metres at which the pattern of a facade repeats."""


@dataclass(frozen=True)
class RadarView:
    """Where the pulse comes from.

    Args:
        azimuth: direction in which it travels over ground, radians, 0 = to the right, pi / 2 = down.
        incidence: angle to the vertical in radians.
    """

    azimuth: float
    incidence: float

    @property
    def direction(self) -> tuple[float, float]:
        """(x, y) unit vector along which the pulse travels over ground."""
        return float(np.cos(self.azimuth)), float(np.sin(self.azimuth))

    @property
    def layover(self) -> float:
        """Pixels by which a point one metre high moves towards the sensor."""
        return 1 / float(np.tan(self.incidence)) / GROUND_SAMPLE_DISTANCE


def project_to_ground_range(
    intensity: NDArray[np.float32], scene: Scene, view: RadarView, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Intensity (H, W) on the ground-range grid of the radar.

    Every lit point moves towards the sensor in proportion to its height; returns that meet add up (layover), and where
    nothing arrives the image is in shadow. Walls that face the sensor add a bright line at their foot (double bounce)
    and a pattern over the layover. Foot prints stay where they are, as in maps: labels do not move.

    Args:
        intensity: backscatter (H, W) of every pixel seen from above.
        scene: heights and labels of the same pixels.
        view: geometry of the acquisition.
        rng: draws the strength of single reflectors.
    """
    heights = np.where(scene.labels == TREE, CROWN_DEPTH * scene.heights, scene.heights).astype(np.float32)
    lit = intensity * _visibility(heights, scene, view)
    lines, columns = np.nonzero(lit)
    result = _splat(lines, columns, heights[lines, columns] * view.layover, lit[lines, columns], scene, view)
    wall_lines, wall_columns, facing = _walls(scene, view)
    strength = facing * DOUBLE_BOUNCE * rng.exponential(1, wall_lines.size)
    corner = _splat(wall_lines, wall_columns, np.full(wall_lines.size, 0.7), strength, scene, view)
    corner = cv2.GaussianBlur(corner, (0, 0), 0.6)
    return result + corner + _facades(wall_lines, wall_columns, facing, scene, view, rng)


def _visibility(heights: NDArray[np.float32], scene: Scene, view: RadarView) -> NDArray[np.float32]:
    """Share 0..1 (H, W) of the pulse that arrives: roofs block it, crowns dim it."""
    elevation = np.pi / 2 - view.incidence
    roofs = np.where(scene.labels == BUILDING, heights, 0).astype(np.float32)
    behind_roofs = cast_shadow(roofs, view.azimuth, elevation) & (heights <= roofs)
    behind_anything = cast_shadow(heights, view.azimuth, elevation)
    return np.where(behind_roofs, 0.0, np.where(behind_anything, THROUGH_CROWN, 1.0)).astype(np.float32)


def _splat(
    lines: NDArray[np.integer],
    columns: NDArray[np.integer],
    distance: NDArray[np.floating],
    weights: NDArray[np.floating],
    scene: Scene,
    view: RadarView,
) -> NDArray[np.float32]:
    """Adds `weights` at the points moved by `distance` pixels towards the sensor, shared by the four nearest pixels."""
    height, width = scene.ids.shape
    x, y = columns - distance * view.direction[0], lines - distance * view.direction[1]
    left, top = np.floor(x).astype(np.int64), np.floor(y).astype(np.int64)
    total = np.zeros(height * width)
    for down in (0, 1):
        for right in (0, 1):
            share = (1 - np.abs(x - left - right)) * (1 - np.abs(y - top - down))
            inside = (left + right >= 0) & (left + right < width) & (top + down >= 0) & (top + down < height)
            cell = ((top + down) * width + left + right)[inside]
            total += np.bincount(cell, (share * weights)[inside], height * width)
    return total.reshape(height, width).astype(np.float32)


def _walls(scene: Scene, view: RadarView) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Lines, columns and 0..1 facing (1 = square to the pulse) of roof pixels above a wall on the sensor's side."""
    roofs = np.where(scene.labels == BUILDING, scene.heights, 0).astype(np.float32)
    before = translate(roofs, *view.direction)
    lines, columns = np.nonzero((roofs > 0) & (before < roofs - 1.5))
    smooth = cv2.GaussianBlur(roofs, (0, 0), 1.5)
    slope_x, slope_y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    along = slope_x * view.direction[0] + slope_y * view.direction[1]
    cosine = np.clip(along / np.maximum(np.hypot(slope_x, slope_y), 1e-6), 0, 1)
    return lines, columns, (0.06 + 0.94 * cosine[lines, columns] ** 6).astype(np.float32)


def _facades(
    lines: NDArray[np.int64],
    columns: NDArray[np.int64],
    facing: NDArray[np.float32],
    scene: Scene,
    view: RadarView,
    rng: np.random.Generator,
) -> NDArray[np.float32]:
    """Returns (H, W) of walls: dots at every storey and window column, laid over towards the sensor."""
    tops = scene.heights[lines, columns] * view.layover
    steps = np.arange(1, int(tops.max(initial=0)) + 1, dtype=np.float32)
    distance = np.broadcast_to(steps, (lines.size, steps.size))
    along_wall = (lines * view.direction[0] - columns * view.direction[1])[:, None]
    storeys = 0.5 + 0.5 * np.cos(2 * np.pi * distance / (STOREY * view.layover))
    windows = 0.5 + 0.5 * np.cos(2 * np.pi * along_wall / 6)
    strength = FACADE * (0.25 + 0.75 * facing[:, None]) * (0.15 + 2 * storeys * windows)
    strength = strength * rng.exponential(1, distance.shape) * (distance < tops[:, None])
    lines_all, columns_all = (
        np.broadcast_to(lines[:, None], distance.shape),
        np.broadcast_to(columns[:, None], distance.shape),
    )
    return _splat(lines_all.ravel(), columns_all.ravel(), distance.ravel(), strength.ravel(), scene, view)
