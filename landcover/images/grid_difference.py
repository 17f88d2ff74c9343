"""How two grids differ, in words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import atan2, degrees, hypot

import numpy as np
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import Affine
from rasterio.warp import transform as project

from landcover.images.grid import NO_TRANSFORM, Grid

TOLERANCE = 0.01
"""Distance in pixels below which two places are one: coordinates are rounded."""


@dataclass(frozen=True)
class GridDifference:
    """What of a grid is not as expected.

    Args:
        expected: such as `pixel size 0.5 x 0.5`.
        found: such as `1 x 1`.
        share_ground: whether both show some ground, as far as that is known.
    """

    expected: str
    found: str
    share_ground: bool = False


def grid_difference(expected: Grid, found: Grid) -> GridDifference | None:
    """The first in which two grids differ of size, coordinate system, orientation, pixel size, rotation and corner.

    Grids are equal if all four corners lie within `TOLERANCE` pixels, be it in coordinates of another system or of
    another name of the same system. What one of the two does not tell is not compared: with no place on one side, or
    a transform on one side and control points on the other, only sizes count; without a coordinate system, coordinates
    are compared as numbers. Control points are compared with control points one by one. RPCs are not compared.
    """
    corners = _corners(expected, found)
    share_ground = corners is not None and _overlap(corners, expected)
    if (expected.height, expected.width) != (found.height, found.width):
        size = f"{expected.height}x{expected.width} pixels"
        return GridDifference(size, f"{found.height}x{found.width}", share_ground)
    if _points_differ(expected, found):
        return GridDifference("control points", "others")
    if not both_placed(expected, found):
        return None
    if corners is not None and _distance(corners, _pixel_corners(expected)) < TOLERANCE:
        return None
    what, value = _what_differs(expected, found)
    return GridDifference(f"{what} {value(expected)}", value(found), share_ground)


def both_placed(*grids: Grid) -> bool:
    """Whether all grids have a transform that tells a place of every pixel."""
    return all(grid.transform != NO_TRANSFORM and not grid.transform.is_degenerate for grid in grids)


def systems_differ(expected: Grid, found: Grid) -> bool:
    """Whether both name a coordinate system, and another one as far as GDAL's comparison of definitions tells."""
    return bool(expected.crs and found.crs and expected.crs != found.crs)


def _pixel_corners(grid: Grid) -> NDArray[np.float64]:
    """Columns and rows (2, 4)."""
    return np.array([(0, grid.width, 0, grid.width), (0, 0, grid.height, grid.height)], np.float64)


def _corners(expected: Grid, found: Grid) -> NDArray[np.float64] | None:
    """Corners of `found` in columns and rows (2, 4) of `expected`; None if there is no way from one to the other."""
    if not both_placed(expected, found):
        return None
    places = _applied(found.transform, _pixel_corners(found))
    if systems_differ(expected, found):
        try:
            places = np.array(project(found.crs, expected.crs, *places.tolist()))
        except Exception:  # of GDAL, not public: outside of the area of a system, or a system of no place on earth
            return None
    return _applied(~expected.transform, places)


def _applied(transform: Affine, points: NDArray[np.float64]) -> NDArray[np.float64]:
    matrix = np.array(tuple(transform)).reshape(3, 3)
    return matrix[:2, :2] @ points + matrix[:2, 2:]


def _overlap(corners: NDArray[np.float64], grid: Grid) -> bool:
    low, high, size = corners.min(axis=1), corners.max(axis=1), np.array([grid.width, grid.height])
    return bool((low < size - TOLERANCE).all() and (high > TOLERANCE).all())


def _distance(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    distance = float(np.abs(first - second).max())
    return distance if np.isfinite(distance) else np.inf


def _points_differ(expected: Grid, found: Grid) -> bool:
    """Whether both have control points, but others."""
    first, second = (
        np.array([(point.col, point.row, point.x, point.y) for point in grid.control_points], np.float64).T
        for grid in (expected, found)
    )
    if first.size == 0 or second.size == 0:
        return False
    if first.shape != second.shape or systems_differ(expected, found):
        return True
    pixels, ground = np.ptp(first, axis=1).reshape(2, 2).max(axis=1)
    coordinates_per_pixel = ground / pixels if pixels else 0.0
    return (
        _distance(first[:2], second[:2]) >= TOLERANCE
        or _distance(first[2:], second[2:]) > TOLERANCE * coordinates_per_pixel
    )


def _what_differs(expected: Grid, found: Grid) -> tuple[str, Callable[[Grid], str]]:
    """What differs in two grids of one size, and what tells its value."""
    first, second = expected.transform, found.transform
    pixels = max(expected.height, expected.width)
    if systems_differ(expected, found):
        return "coordinate system", _system
    if (first.determinant < 0) != (second.determinant < 0):
        return "orientation", lambda grid: "north-up" if grid.transform.determinant < 0 else "south-up (rows mirrored)"
    if _distance(_pixel_size(first) / _pixel_size(second), np.ones(2)) * pixels >= TOLERANCE:
        return "pixel size", lambda grid: " x ".join(f"{side:.10g}" for side in _pixel_size(grid.transform))
    if abs(_angle(first) - _angle(second)) * pixels >= TOLERANCE:
        return "rotation", lambda grid: f"{degrees(_angle(grid.transform)) + 0.0:.6g} degrees"
    return "upper left corner", lambda grid: f"x {grid.transform.c:.12g} y {grid.transform.f:.12g}"


def _pixel_size(transform: Affine) -> NDArray[np.float64]:
    return np.array([hypot(transform.a, transform.d), hypot(transform.b, transform.e)])


def _angle(transform: Affine) -> float:
    return atan2(transform.d, transform.a)


def _system(grid: Grid) -> str:
    return _system_name(grid.crs) if grid.crs else "none"


@lru_cache
def _system_name(crs: CRS) -> str:
    """Code of a system such as `EPSG:32654`, or its name; to search the code of one without takes half a second."""
    code = crs.to_epsg()
    return f"EPSG:{code}" if code else crs.to_wkt().split('"')[1]
