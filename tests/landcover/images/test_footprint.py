from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import Affine

from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.footprint import Footprint, at_one_place, overlap_groups, read_footprint
from landcover.images.grid import Georeference
from landcover.images.raster import write_raster

SCALE, TIEPOINT = (33550, 12, 3, (0.5, 0.25, 0.0)), (33922, 12, 6, (2.0, 4.0, 0.0, 100.0, 200.0, 0.0))


def written(path: Path, *tags: tuple, shape: tuple[int, int] = (20, 30)) -> Footprint | None:
    write_raster(path, np.zeros(shape, np.uint8), Georeference(tags))
    return read_footprint(path)


def keys(*entries: tuple[int, int, int, int]) -> tuple:
    numbers = [number for entry in ((1, 1, 0, len(entries)), *entries) for number in entry]
    return (34735, 3, len(numbers), tuple(numbers))


def box(left: float, bottom: float, right: float, top: float, crs: str = "EPSG:32654") -> Footprint:
    return Footprint(crs, left, bottom, right, top)


def test_a_north_up_image_spans_its_pixels_from_the_tie_point(tmp_path):
    write_raster(tmp_path / "a.tif", np.zeros((4, 6), np.uint8), utm_georeference(32654, 300_000.0, 3_900_000.0, 0.5))
    assert read_footprint(tmp_path / "a.tif") == box(300_000.0, 3_899_998.0, 300_003.0, 3_900_000.0)
    # pixel (2, 4) lies at (100, 200): the corner is a pixel of (0.5, 0.25) times that to the upper left
    assert written(tmp_path / "b.tif", SCALE, TIEPOINT) == box(99.0, 196.0, 114.0, 201.0, "")


def test_coordinates_of_pixel_centres_reach_half_a_pixel_further(tmp_path):
    point = keys((1025, 0, 1, 2), (3072, 0, 1, 32654))
    assert written(tmp_path / "a.tif", SCALE, TIEPOINT, point) == box(98.75, 196.125, 113.75, 201.125)


@pytest.mark.parametrize("angle", [0.0, 30.0, 135.0, 180.0, 270.0])
def test_a_rotated_image_spans_the_box_of_its_corners(tmp_path, angle):
    transform = Affine.translation(500_000, 4_000_000) @ Affine.rotation(angle) @ Affine.scale(0.5, -0.25)
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", "GTiff", 60, 40, 1, CRS.from_epsg(32654), transform, np.uint8) as file:
        file.write(np.ones((1, 40, 60), np.uint8))
    corners = np.array([transform @ corner for corner in ((0, 0), (60, 0), (0, 40), (60, 40))])
    footprint = read_footprint(path)
    assert footprint is not None and footprint.crs == "EPSG:32654"
    found = (footprint.left, footprint.bottom, footprint.right, footprint.top)
    np.testing.assert_allclose(found, [*corners.min(axis=0), *corners.max(axis=0)], rtol=0, atol=1e-6)


@pytest.mark.parametrize("point", [False, True])
def test_the_box_is_that_of_gdal(tmp_path, point):
    transform = Affine(0.5, 0.0, 500_000.5, 0.0, -0.25, 4_000_000.25)
    path = tmp_path / "a.tif"
    with rasterio.open(path, "w", "GTiff", 60, 40, 1, CRS.from_epsg(4326), transform, np.uint8) as file:
        file.update_tags(AREA_OR_POINT="Point" if point else "Area")
    with rasterio.open(path) as file:
        left, bottom, right, top = file.bounds
    assert read_footprint(path) == Footprint("EPSG:4326", left, bottom, right, top)


def placed(path: Path, crs: CRS, **profile: object) -> Footprint | None:
    given = {"driver": "GTiff", "width": 60, "height": 40, "count": 1, "dtype": "uint8", "crs": crs, **profile}
    with rasterio.open(path, "w", **given) as file:
        file.write(np.ones((1, 40, 60), np.uint8))
    return read_footprint(path)


def test_systems_without_a_code_are_told_apart_by_their_parameters_not_by_their_texts(tmp_path):
    def crs(meridian: float, name: str) -> str:
        system = CRS.from_string(f"+proj=tmerc +lon_0={meridian} +k=0.9996 +x_0=500000 +datum=WGS84 +units=m")
        named = CRS.from_wkt(system.to_wkt().replace('PROJCS["unknown"', f'PROJCS["{name}"'))
        footprint = placed(tmp_path / "a.tif", named, transform=Affine(0.5, 0, 1, 0, -0.5, 2))
        assert footprint is not None
        return footprint.crs

    assert crs(141.25, "here") == crs(141.25, "elsewhere")
    assert crs(141.25, "here") != crs(139.5, "here")


def test_a_system_in_the_words_of_another_program_is_recognised(tmp_path):
    system, north_up = CRS.from_epsg(32654), Affine(0.5, 0, 3e5, 0, -0.5, 39e5)
    for name in ("a.tif", "b.tif"):
        placed(tmp_path / name, None if name == "b.tif" else system, transform=north_up)
    words = system.to_wkt(version="WKT1_ESRI").replace('"', "&quot;")
    (tmp_path / "b.tif.aux.xml").write_text(f"<PAMDataset><SRS>{words}</SRS></PAMDataset>")
    assert read_footprint(tmp_path / "a.tif") == read_footprint(tmp_path / "b.tif") == box(3e5, 3899980, 300030, 39e5)


def test_a_world_file_places_an_image_and_control_points_alone_do_not(tmp_path):
    assert placed(tmp_path / "a.tif", None) is None
    (tmp_path / "a.tfw").write_text("0.5\n0\n0\n-0.25\n100.25\n199.875\n")
    assert read_footprint(tmp_path / "a.tif") == box(100.0, 190.0, 130.0, 200.0, "")
    points = [GroundControlPoint(r, c, 500_000 + c, 4_000_000 - r) for r, c in ((0, 0), (0, 60), (40, 0), (40, 60))]
    assert placed(tmp_path / "b.tif", CRS.from_epsg(32654), gcps=points) is None


def test_a_code_is_enough_to_recognise_a_system(tmp_path):
    bare = written(tmp_path / "a.tif", SCALE, TIEPOINT, keys((3072, 0, 1, 32654)))
    full = written(tmp_path / "b.tif", SCALE, TIEPOINT, keys((1024, 0, 1, 1), (2048, 0, 1, 4326), (3072, 0, 1, 32654)))
    assert bare == full


@pytest.mark.parametrize(
    "tags",
    [
        (),
        (TIEPOINT,),
        ((33550, 12, 3, (0.0, 0.0, 0.0)), TIEPOINT),
        ((33550, 12, 3, (0.5, float("nan"), 0.0)), TIEPOINT),
        ((34264, 12, 4, (1.0, 0.0, 0.0, 1.0)),),
        (keys((3072, 0, 1, 32654)),),
    ],
)
def test_tags_that_place_no_image_give_none(tmp_path, tags):
    assert written(tmp_path / "a.tif", *tags) is None


def test_a_png_has_no_footprint_and_missing_or_damaged_files_are_refused(tmp_path):
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.png")
    assert read_footprint(tmp_path / "a.png") is None
    for name in ("b.tif", "b.png"):
        with pytest.raises(InputError, match=rf"{name}: expected an image file, found none"):
            read_footprint(tmp_path / name)
    (tmp_path / "c.tif").write_text("404: not found")
    with pytest.raises(InputError, match=r"c\.tif: not readable as an image"):
        read_footprint(tmp_path / "c.tif")


def test_chains_of_overlaps_are_one_group_and_numbers_follow_the_first_member():
    chain = [box(0, 0, 10, 10), box(16, 0, 26, 10), box(8, 8, 18, 18)]
    assert overlap_groups([box(90, 90, 99, 99), *chain]).tolist() == [0, 1, 1, 1]
    assert overlap_groups([chain[0], box(90, 90, 99, 99), *chain[1:]]).tolist() == [0, 1, 0, 0]
    assert overlap_groups([]).tolist() == []


def test_touching_edges_and_corners_and_rounding_do_not_overlap():
    assert overlap_groups([box(0, 0, 10, 10), box(10, 0, 20, 10), box(10, 10, 20, 20)]).tolist() == [0, 1, 2]
    assert overlap_groups([box(0, 0, 10, 10), box(9.995, 0, 20, 10)]).tolist() == [0, 1]
    assert overlap_groups([box(0, 0, 10, 10), box(9.98, 0, 20, 10)]).tolist() == [0, 0]
    assert overlap_groups([box(0, 0, 1000, 1000), box(500, 500, 501, 501)]).tolist() == [0, 0]


def test_equal_coordinates_in_two_systems_are_two_places():
    assert overlap_groups([box(0, 0, 10, 10), box(0, 0, 10, 10, "EPSG:32655"), box(1, 1, 11, 11)]).tolist() == [0, 1, 0]


def brute_force_groups(boxes: list[Footprint]) -> list[int]:
    """Transitive closure over all pairs; a group is named after its first member, then numbered."""
    first = list(range(len(boxes)))
    for _ in boxes:
        for i, a in enumerate(boxes):
            for j, b in enumerate(boxes):
                overlap = a.left < b.right and b.left < a.right and a.bottom < b.top and b.bottom < a.top
                if overlap and a.crs == b.crs:
                    first[i] = first[j] = min(first[i], first[j])
    return [sorted(set(first)).index(member) for member in first]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 14), st.sampled_from([12, 25, 60]))
def test_groups_are_those_of_the_comparison_of_all_pairs(seed: int, count: int, extent: int) -> None:
    rng = np.random.default_rng(seed)
    low, side = rng.integers(0, extent, (count, 2)), rng.integers(1, 9, (count, 2))
    systems = rng.integers(0, 2, count)
    boxes = [
        box(*(float(number) for number in (*corner, *(corner + sides))), f"EPSG:{system}")
        for corner, sides, system in zip(low, side, systems, strict=True)
    ]
    assert overlap_groups(boxes).tolist() == brute_force_groups(boxes)


def test_images_that_share_a_corner_lie_at_one_place():
    assert at_one_place([box(0, 0, 10, 10), box(0, 0, 10, 10)])
    assert at_one_place([box(0, -10, 10, 0), box(0, -8, 7, 0), box(0, -9, 12, 0)])
    assert not at_one_place([box(0, -10, 10, 0), box(0, -8, 7, 0), box(1, -9, 12, 0)])
    assert not at_one_place([box(0, 0, 10, 10), box(0, 10, 10, 20)])
    assert not at_one_place([box(0, 0, 10, 10), box(0, 0, 10, 10, "EPSG:32655")])
