from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.data_sets.tile_choice import chosen_names, spread_order
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.raster import write_raster


def regions(**sizes: int) -> list[Path]:
    """Names alone tell the regions: no file is read."""
    return [Path(f"{region}_{n}.tif") for region, size in sizes.items() for n in range(size)]


def tiles(*names: str) -> dict[str, Path]:
    return {name: Path(f"{name}.tif") for name in names}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=2, max_size=5), st.integers(0, 10_000))
def test_every_beginning_is_spread_evenly_over_the_regions(sizes: list[int], seed: int) -> None:
    images = regions(**{"abcde"[n]: size for n, size in enumerate(sizes)})
    order = spread_order(images, seed)
    assert sorted(order) == list(range(len(images)))
    group = np.repeat(np.arange(len(sizes)), sizes)
    total = len(images)
    for count in range(total + 1):
        found = np.bincount(group[order[:count]], minlength=len(sizes))
        # Each region is off by less than one from the share that is reached, and the regions' sum is the count.
        least = max([Fraction(int(n) - 1, size) for n, size in zip(found, sizes, strict=True)], key=float)
        most = min([Fraction(int(n) + 1, size) for n, size in zip(found, sizes, strict=True)], key=float)
        assert least <= most
        assert least <= Fraction(count + len(sizes), total) and most >= Fraction(count - len(sizes), total)


def test_the_order_is_that_of_the_names_in_any_order_and_folder() -> None:
    images = regions(port=5, vale=3)
    expected = [images[position].name for position in spread_order(images, seed=3)]
    moved = [Path("elsewhere") / path.name for path in images[::-1]]
    assert [moved[position].name for position in spread_order(moved, seed=3)] == expected
    assert expected != [images[position].name for position in spread_order(images, seed=4)]


def test_every_tile_is_the_first_for_some_seed() -> None:
    images = regions(port=3, vale=5)
    assert {spread_order(images, seed)[0] for seed in range(100)} == set(range(8))


def test_chains_of_footprints_stand_in_for_regions(tmp_path: Path) -> None:
    images = []
    for n, column in enumerate((0, 0.5, 1, 9, 9.5, 10)):  # two chains of three tiles
        images.append(tmp_path / f"TrainArea_{n}.tif")
        place = utm_georeference(32654, 300_000 + 4 * column, 3_900_000, 0.5)
        write_raster(images[-1], np.zeros((8, 8), np.uint8), place, compression=None)
    for seed in range(20):
        assert sorted(position // 3 for position in spread_order(images, seed)[:2]) == [0, 1]


def test_a_smaller_share_is_part_of_a_larger_one_and_holds_the_tiles_it_says() -> None:
    images = {path.stem: path for path in regions(port=20, vale=20)}
    found = [set(chosen_names(share, images, 5, "SHARE")) for share in ("1/16", "1/8", "0.25", "1")]
    assert [len(names) for names in found] == [3, 5, 10, 40]  # 2.5 tiles are 3
    assert found[0] < found[1] < found[2] < found[3]
    assert chosen_names("1/1000", images, 5, "SHARE")[0] in found[0]


def test_a_list_names_the_tiles(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("b_1.tif\na_2\nb_1\n")
    assert chosen_names(str(path), tiles("a_1", "a_2", "b_1"), 0, "SHARE") == ["a_2", "b_1"]


@pytest.mark.parametrize("share", ["0", "-1/8", "3/2", "1.01"])
def test_a_share_out_of_range_is_refused(share: str) -> None:
    with pytest.raises(InputError, match=rf"^SHARE: expected a share above 0 and up to 1, .* found {share};"):
        chosen_names(share, tiles("a_1"), 0, "SHARE")


@pytest.mark.parametrize("which", ["all", "1/0", "nan", "/no/such/list.txt"])
def test_neither_a_share_nor_a_file_is_refused(which: str) -> None:
    with pytest.raises(InputError, match=rf"^SHARE: expected a share .* or a text file .*, found {which};"):
        chosen_names(which, tiles("a_1"), 0, "SHARE")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("c_1", "line 2: expected the name of a tile, found 'c_1'; correct the line"),
        ("b_1", "line 2: expected the name of a tile that can be chosen, found b_1, which is none; take it out"),
    ],
)
def test_a_line_that_can_not_count_is_refused_by_its_place(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"a_1\n{line}\n")
    with pytest.raises(InputError, match=rf"^{path}, {message}$"):
        chosen_names(str(path), tiles("a_1"), 0, "SHARE", {"b_1": "which is none; take it out"})


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("\n")
    with pytest.raises(InputError, match=rf"^{path}: expected the name of a tile in every line, found none"):
        chosen_names(str(path), tiles("a_1"), 0, "SHARE")
