from __future__ import annotations

import itertools
import re
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.crs import CRS
from rasterio.transform import Affine

from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.hold_out import HeldOut, hold_out
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.footprint import Footprint
from landcover.images.grid import Grid
from landcover.images.raster import write_raster

SIDE = 8


def write_tile(path: Path, column: float, row: float, epsg: int = 32654) -> Path:
    """A tile of `SIDE` pixels of 0.5 m, at (column, row) in units of its side."""
    georeference = utm_georeference(epsg, 300_000 + 0.5 * SIDE * column, 3_900_000 - 0.5 * SIDE * row, 0.5)
    write_raster(path, np.zeros((SIDE, SIDE), np.uint8), georeference, compression=None)
    return path


def write_bare(folder: Path, *names: str) -> list[Path]:
    """Tiles without georeferencing."""
    for name in names:
        write_raster(folder / name, np.zeros((SIDE, SIDE), np.uint8), compression=None)
    return [folder / name for name in names]


@pytest.fixture
def blocks(tmp_path) -> list[Path]:
    """Ten places, apart from each other, with two tiles each that overlap by half; tiles 2 k and 2 k + 1."""
    return [write_tile(tmp_path / f"TrainArea_{n:03d}.tif", 5 * (n // 2) + n % 2 / 2, 0) for n in range(20)]


def check_split(split: HeldOut, tiles: int) -> None:
    assert sorted(split.training + split.held_out) == list(range(tiles))
    assert list(split.training) == sorted(split.training) and list(split.held_out) == sorted(split.held_out)


def test_tiles_that_overlap_stay_together(blocks):
    for seed in range(5):
        split = hold_out(blocks, 0.2, seed=seed)
        check_split(split, 20)
        assert split.by == "footprint" and split.groups == 10
        assert len(split.held_out) == 4
        assert all(number ^ 1 in split.held_out for number in split.held_out)
        assert split.note == "4 of 20 tiles held out: 2 of 10 groups of overlapping footprints"


def test_tiles_of_a_grid_that_only_touch_are_held_out_one_by_one(tmp_path):
    images = [write_tile(tmp_path / f"a_{n}.tif", n % 4, n // 4) for n in range(12)]
    split = hold_out(images, 0.25)
    assert split.groups == 12 and len(split.held_out) == 3


def test_two_systems_at_equal_coordinates_are_two_places(tmp_path):
    images = [write_tile(tmp_path / f"a_{n}.tif", 0.1 * n, 0, epsg=32654 + n // 2) for n in range(4)]
    split = hold_out(images, 0.5)
    assert split.groups == 2
    assert {split.training, split.held_out} == {(0, 1), (2, 3)}


def test_every_group_is_held_out_by_some_seed_and_none_by_all(blocks):
    drawn = [set(hold_out(blocks, 0.2, seed=seed).held_out) for seed in range(40)]
    assert set.union(*drawn) == set(range(20)) and not set.intersection(*drawn)


def test_the_split_is_that_of_the_names_in_any_order_and_folder(blocks, tmp_path):
    expected = {blocks[position].name for position in hold_out(blocks, 0.2, seed=3).held_out}
    shuffled = [blocks[n] for n in np.random.default_rng(0).permutation(20)]
    for folder in "ab":  # the first tiles by name lie in the last folder
        (tmp_path / folder).mkdir()
    moved = [path.rename(tmp_path / "ab"[path.stem < "TrainArea_010"] / path.name) for path in shuffled]
    assert {moved[position].name for position in hold_out(moved, 0.2, seed=3).held_out} == expected


def test_demo_scenes_lie_apart(demo_root):
    tiles = dfc2025_tiles(demo_root / "DFC2025Track1", "train")
    split = hold_out([tile.sar for tile in tiles], 0.25)
    assert (split.by, split.groups, len(split.held_out)) == ("footprint", 4, 1)


def test_regions_of_the_names_stand_in_for_missing_footprints(tmp_path):
    names = [f"{region}_{n}.tif" for region in ("lake_city", "port", "vale") for n in range(1, 5)]
    images = write_bare(tmp_path, *names)
    split = hold_out(images, 0.3)
    check_split(split, 12)
    assert (split.by, split.groups) == ("region", 3)
    assert split.held_out in {(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)}
    assert split.note == "4 of 12 tiles held out: 1 of 3 regions"


def test_scenes_of_sen1_2_are_regions(tmp_path):
    names = [f"ROIs1158_spring_s1_{scene}_p{n}.tif" for scene in (0, 12) for n in (3, 30)]
    split = hold_out(write_bare(tmp_path, *names), 0.5)
    assert (split.by, split.groups) == ("region", 2) and split.held_out in {(0, 1), (2, 3)}


def test_georeferencing_that_is_the_same_everywhere_tells_nothing(tmp_path):
    images = [write_tile(tmp_path / f"{region}_{n}.tif", 0, 0) for region in ("port", "vale") for n in (1, 2)]
    assert hold_out(images, 0.5).by == "region"
    with pytest.raises(InputError, match=r"HOLD_OUT_BY=footprint: .*found the same corner in all georeferencing;"):
        hold_out(images, 0.5, by="footprint")


def test_one_tile_without_georeferencing_makes_footprints_useless(tmp_path):
    images = [write_tile(tmp_path / "port_1.tif", 0, 0), *write_bare(tmp_path, "vale_1.tif")]
    assert hold_out(images, 0.5).by == "region"
    with pytest.raises(InputError, match=r"HOLD_OUT_BY=footprint: .*found no georeferencing in vale_1\.tif;"):
        hold_out(images, 0.5, by="footprint")


def test_footprints_can_be_passed_over(blocks):
    with pytest.raises(InputError, match=r"HOLD_OUT_BY=region: .*found one region in all names \(TrainArea\);"):
        hold_out(blocks, 0.2, by="region")
    split = hold_out(blocks, 0.2, by="random")
    assert (split.by, split.groups, len(split.held_out)) == ("random", 20, 4)
    assert split.note == (
        "warning: 4 of 20 tiles held out tile by tile; where they overlap training tiles, the score is too good"
    )


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("TrainArea_001.tif", "TrainArea_002.tif"), r"one region in all names \(TrainArea\)"),
        (("scene.tif", "vale_1.tif"), r"no <region>_<number> in the name scene\.tif"),
        (("port_a.tif", "vale_1.tif"), r"no <region>_<number> in the name port_a\.tif"),
    ],
)
def test_tiles_whose_place_is_unknown_are_split_only_on_request(tmp_path, names, reason):
    images = write_bare(tmp_path, *names)
    message = (
        rf"HOLD_OUT_BY=auto: .*found no georeferencing in {re.escape(names[0])} and {reason}; .*HOLD_OUT_BY=random$"
    )
    with pytest.raises(InputError, match=message):
        hold_out(images, 0.5)
    assert len(hold_out(images, 0.5, by="random").held_out) == 1


def test_tiles_that_all_overlap_are_refused(tmp_path):
    images = [write_tile(tmp_path / f"TrainArea_{n}.tif", n / 2, 0) for n in range(6)]
    message = (
        r"HOLD_OUT: expected two groups .*\(HOLD_OUT_BY=footprint\), found all 6 tiles in one; .*HOLD_OUT_BY=random"
    )
    with pytest.raises(InputError, match=message):
        hold_out(images, 0.3)


@pytest.mark.parametrize(
    ("sizes", "share", "found", "cure"),
    [((8, 2), 0.5, "allow 2 at best", 0.2), ((5, 5), 0.1, "allow 5 at best", 0.5), ((7, 1), 0.5, "allow 1 at", 0.12)],
)
def test_groups_too_large_for_the_share_are_refused_with_the_share_that_works(tmp_path, sizes, share, found, cure):
    names = [f"{'ab'[group]}_{n}.tif" for group, size in enumerate(sizes) for n in range(size)]
    images = write_bare(tmp_path, *names)
    with pytest.raises(InputError, match=rf"HOLD_OUT={share}: .*largest has {sizes[0]}\).*{found}.* HOLD_OUT={cure}$"):
        hold_out(images, share)
    assert len(hold_out(images, cure).held_out) == min(sizes)


@pytest.mark.parametrize("share", [0, 0.0, -0.1, 0.51, 1, float("nan"), True, "0.1"])
def test_a_share_out_of_range_is_refused(tmp_path, share):
    with pytest.raises(InputError, match=rf"^HOLD_OUT: expected a share .* found {re.escape(repr(share))};"):
        hold_out(write_bare(tmp_path, "a_1.tif", "b_1.tif"), share)


def test_unknown_groupings_too_few_tiles_and_missing_files_are_refused(tmp_path):
    images = write_bare(tmp_path, "a_1.tif", "b_1.tif")
    with pytest.raises(InputError, match="HOLD_OUT_BY: expected auto, footprint, region, random, found 'place'"):
        hold_out(images, 0.1, by="place")
    for few in ([], images[:1]):
        with pytest.raises(InputError, match=f"HOLD_OUT: expected two tiles or more to split, found {len(few)};"):
            hold_out(few, 0.1)
    images = [write_tile(tmp_path / "a_2.tif", 0, 0), tmp_path / "c_1.tif"]
    with pytest.raises(InputError, match=r"c_1\.tif: expected an image file, found none"):
        hold_out(images, 0.1)


def overlap(a: Footprint, b: Footprint) -> bool:
    return a.crs == b.crs and a.left < b.right and b.left < a.right and a.bottom < b.top and b.bottom < a.top


def group_sizes(boxes: list[Footprint]) -> list[int]:
    groups: list[list[Footprint]] = []
    for box in boxes:
        joined = [group for group in groups if any(overlap(box, other) for other in group)]
        groups = [group for group in groups if group not in joined] + [[box, *itertools.chain(*joined)]]
    return [len(group) for group in groups]


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 9), st.sampled_from([0.1, 0.25, 0.4, 0.5]), st.integers(0, 50))
def test_no_held_out_footprint_meets_a_training_footprint(scene: int, tiles: int, share: float, seed: int) -> None:
    rng = np.random.default_rng(scene)
    low = rng.integers(0, 30, (tiles, 2))
    corners = np.concatenate([low, low + rng.integers(1, 12, (tiles, 2))], axis=1).astype(float).tolist()
    places = {Path(f"a_{n}.tif"): Footprint(f"EPSG:{rng.integers(2)}", *box) for n, box in enumerate(corners)}
    sizes = group_sizes(list(places.values()))
    totals = {sum(some) for count in range(len(sizes) + 1) for some in itertools.combinations(sizes, count)}
    nearest = min((abs(n - share * tiles), n) for n in totals if 1 <= n <= tiles / 2)[1] if len(sizes) > 1 else 0

    def split(images: list[Path]) -> HeldOut:
        with mock.patch("landcover.data_sets.tile_groups.read_footprint", places.__getitem__):
            return hold_out(images, share, by="footprint", seed=seed)

    if not share * tiles / 2 <= nearest <= max(1, 2 * share * tiles):
        with pytest.raises(InputError, match=r"^HOLD_OUT"):
            split(list(places))
        return
    images = list(places)
    found = split(images)
    check_split(found, tiles)
    assert (found.groups, len(found.held_out)) == (len(sizes), nearest)
    assert not any(overlap(places[images[a]], places[images[b]]) for a in found.held_out for b in found.training)
    assert split(images) == found
    assert set(split(images[::-1]).held_out) == {tiles - 1 - position for position in found.held_out}


def test_a_share_is_reached_exactly_where_groups_allow_it(tmp_path):
    # 3 + 2 + 2 + 1 + 7: every number up to 8 can be made up, so 20% of 15 tiles are 3 whatever comes first
    names = [f"{region}_{n}.tif" for region, size in zip("abcde", (3, 2, 2, 1, 7), strict=True) for n in range(size)]
    images = write_bare(tmp_path, *names)
    assert {len(hold_out(images, 0.2, seed=seed).held_out) for seed in range(20)} == {3}


def test_a_rotated_neighbour_is_a_neighbour(tmp_path):
    # turned by 45 degrees about its corner, the tile reaches 0.7 of its side to the left, into the other one
    turn = np.sqrt(0.5) * 0.5
    place = Grid(SIDE, SIDE, CRS.from_epsg(32654), Affine(turn, -turn, 300_005.0, -turn, -turn, 3_900_000.0))
    rotated = tmp_path / "a_2.tif"
    write_raster(rotated, np.zeros((SIDE, SIDE), np.uint8), place.georeference)
    straight = write_tile(tmp_path / "a_1.tif", 0, 0)
    far = write_tile(tmp_path / "a_3.tif", 9, 0)
    split = hold_out([straight, rotated, far], 0.4)
    assert (split.groups, split.held_out) == (2, (2,))
