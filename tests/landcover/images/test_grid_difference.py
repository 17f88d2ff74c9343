from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import WktVersion
from rasterio.rpc import RPC
from rasterio.transform import Affine, from_origin

from landcover.images.grid import Grid
from landcover.images.grid_difference import GridDifference, grid_difference

UTM = CRS.from_epsg(32654)
PLACE = from_origin(300_000, 3_900_000, 0.5, 0.5)
SOUTH_UP = Affine(0.5, 0, 300_000, 0, 0.5, 3_900_000 - 128)


def grid(transform: Affine = PLACE, crs: CRS | None = UTM, height: int = 256, width: int = 256) -> Grid:
    return Grid(height, width, crs, transform)


@pytest.mark.parametrize(
    ("found", "expected", "there", "share_ground"),
    [
        (grid(height=128), "256x256 pixels", "128x256", True),
        (grid(crs=CRS.from_epsg(32653)), "coordinate system EPSG:32654", "EPSG:32653", False),
        (grid(SOUTH_UP), "orientation north-up", "south-up (rows mirrored)", True),
        (grid(from_origin(300_000, 3_900_000, 1, 0.5)), "pixel size 0.5 x 0.5", "1 x 0.5", True),
        (grid(PLACE @ Affine.rotation(-30)), "rotation 0 degrees", "30 degrees", True),
        (grid(PLACE @ Affine.rotation(-90)), "rotation 0 degrees", "90 degrees", False),
        (
            grid(from_origin(300_128, 3_900_000, 0.5, 0.5)),
            "upper left corner x 300000 y 3900000",
            "x 300128 y 3900000",
            False,
        ),
        (
            grid(from_origin(300_000, 3_900_000.25, 0.5, 0.5)),
            "upper left corner x 300000 y 3900000",
            "x 300000 y 3900000.25",
            True,
        ),
    ],
)
def test_the_difference_is_told_with_both_values(found: Grid, expected: str, there: str, share_ground: bool) -> None:
    assert grid_difference(grid(), found) == GridDifference(expected, there, share_ground)
    assert grid_difference(found, found) is None


@pytest.mark.parametrize("kind", ["shift", "pixel size", "rotation"])
@pytest.mark.parametrize(("pixels", "equal"), [(0.009, True), (0.011, False)])
def test_less_than_a_hundredth_of_a_pixel_at_every_corner_is_equal(kind: str, pixels: float, equal: bool) -> None:
    change = {
        "shift": Affine.translation(0, pixels),
        "pixel size": Affine.scale(1 + pixels / 256),
        "rotation": Affine.rotation(np.degrees(pixels / 256)),
    }[kind]
    assert (grid_difference(grid(), grid(PLACE @ change)) is None) == equal


@pytest.mark.parametrize(
    "crs",
    [
        CRS.from_wkt(UTM.to_wkt(version=WktVersion.WKT1_ESRI)),
        CRS.from_wkt(UTM.to_wkt(version=WktVersion.WKT2_2019).replace("WGS 84 / UTM zone 54N", "our own name")),
        CRS.from_string("+proj=utm +zone=54 +datum=WGS84 +units=m +no_defs"),
        CRS.from_string("EPSG:32654+5773"),  # with heights above the geoid
    ],
)
def test_one_system_in_other_words_is_equal(crs: CRS) -> None:
    assert grid_difference(grid(), grid(crs=crs)) is None
    assert grid_difference(grid(crs=crs), grid()) is None
    moved = grid(from_origin(300_001, 3_900_000, 0.5, 0.5), crs)
    assert grid_difference(grid(), moved) is not None


def test_longitude_before_latitude_is_no_other_system() -> None:
    place = from_origin(138.8, 35.2, 5e-6, 5e-6)
    first, second = grid(place, CRS.from_epsg(4326)), grid(place, CRS.from_string("OGC:CRS84"))
    assert first.crs != second.crs and grid_difference(first, second) is None


def test_systems_that_can_not_be_compared_differ() -> None:
    plan = grid(crs=CRS.from_wkt('LOCAL_CS["plan of the site",UNIT["metre",1]]'))
    assert grid_difference(plan, plan) is None
    found = grid_difference(grid(), plan)
    assert found == GridDifference("coordinate system EPSG:32654", "plan of the site")
    degrees = grid_difference(grid(crs=CRS.from_epsg(4326)), grid())
    assert degrees == GridDifference("coordinate system EPSG:4326", "EPSG:32654")


def test_what_one_side_does_not_tell_is_not_compared() -> None:
    nowhere, points = Grid(256, 256), Grid(256, 256, UTM, control_points=corners())
    no_crs, no_crs_elsewhere = grid(crs=None), grid(from_origin(0, 0, 0.5, 0.5), None)
    rpcs = RPC(0, 1, 35, 0.1, [1.0] * 20, [1.0] * 20, 128, 128, 138, 0.1, [1.0] * 20, [1.0] * 20, 128, 128)
    sensor = Grid(256, 256, rpcs=rpcs)
    for other in (nowhere, points, sensor, no_crs):
        assert grid_difference(grid(), other) is None and grid_difference(other, grid()) is None
    assert grid_difference(grid(), no_crs_elsewhere) == GridDifference(
        "upper left corner x 300000 y 3900000", "x 0 y 0"
    )
    assert grid_difference(nowhere, Grid(256, 255)) == GridDifference("256x256 pixels", "256x255")


def corners(shift: float = 0.0, columns: float = 0.0) -> tuple[GroundControlPoint, ...]:
    return tuple(
        GroundControlPoint(row, column + columns, 300_000 + column * 0.5 + shift, 3_900_000 - row * 0.5, 0.0)
        for row in (0, 256)
        for column in (0, 256)
    )


def test_control_points_are_compared_with_control_points() -> None:
    first = Grid(256, 256, UTM, control_points=corners())
    for same in (corners(0.004), corners(columns=0.009), corners()):
        assert grid_difference(first, Grid(256, 256, UTM, control_points=same)) is None
    other_zone = Grid(256, 256, CRS.from_epsg(32653), control_points=corners())
    others = (corners(0.006), corners(columns=0.011), corners()[:3])
    for other in (*(Grid(256, 256, UTM, control_points=points) for points in others), other_zone):
        assert grid_difference(first, other) == GridDifference("control points", "others")


@settings(max_examples=100, deadline=None)
@given(
    st.tuples(*[st.floats(-2, 2)] * 4).filter(lambda m: abs(m[0] * m[3] - m[1] * m[2]) > 0.05),
    st.tuples(st.floats(-1e6, 1e6), st.floats(-1e7, 1e7)),
    st.tuples(*[st.floats(-1e-4, 1e-4)] * 6),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_grids_are_equal_if_no_corner_moves_by_a_hundredth_of_a_pixel(
    matrix: tuple[float, ...], place: tuple[float, float], change: tuple[float, ...], height: int, width: int
) -> None:
    transform = Affine(matrix[0], matrix[1], place[0], matrix[2], matrix[3], place[1])
    moved = transform @ Affine(1 + change[0], change[1], change[2] * 100, change[3], 1 + change[4], change[5] * 100)
    furthest = 0.0
    for column, row in ((0, 0), (width, 0), (0, height), (width, height)):
        x, y = ~transform @ (moved @ (column, row))
        furthest = max(furthest, abs(x - column), abs(y - row))
    if abs(furthest - 0.01) > 1e-6:
        found = grid_difference(grid(transform, UTM, height, width), grid(moved, UTM, height, width))
        assert (found is None) == (furthest < 0.01)
