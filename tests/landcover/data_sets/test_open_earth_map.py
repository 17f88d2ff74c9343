from __future__ import annotations

from pathlib import Path

import pytest

from landcover.data_sets.open_earth_map import LabelledTile, open_earth_map_tiles
from landcover.errors import InputError


def make(root: Path, names: list[str], lists: dict[str, str]) -> Path:
    for name in names:
        folder = root / name.rpartition("_")[0]
        for kind in ("images", "labels"):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            (folder / kind / name).touch()
    for split, text in lists.items():
        (root / f"{split}.txt").write_text(text, encoding="utf-8")
    return root


def test_tiles_come_in_list_order_with_the_region_from_the_name(tmp_path: Path) -> None:
    root = make(
        tmp_path,
        ["new_york_10.tif", "aachen_2.tif", "lima_1.tif"],
        {"train": "new_york_10.tif\naachen_2.tif\n", "val": "lima_1.tif\n"},
    )
    tiles, missing = open_earth_map_tiles(root, ["train", "val"])
    assert tiles == [
        LabelledTile("new_york_10", root / "new_york/images/new_york_10.tif", root / "new_york/labels/new_york_10.tif"),
        LabelledTile("aachen_2", root / "aachen/images/aachen_2.tif", root / "aachen/labels/aachen_2.tif"),
        LabelledTile("lima_1", root / "lima/images/lima_1.tif", root / "lima/labels/lima_1.tif"),
    ]
    assert missing == []
    assert [tile.name for tile in open_earth_map_tiles(root, ["val"])[0]] == ["lima_1"]


def test_blank_lines_windows_ends_and_a_byte_order_mark_do_no_harm(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif", "a_2.tif"], {"train": "\ufeffa_1.tif\r\n\r\n  a_2.tif \r\n"})
    assert [tile.name for tile in open_earth_map_tiles(root, ["train"])[0]] == ["a_1", "a_2"]


def test_name_listed_twice_is_read_once(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif", "a_2.tif"], {"train": "a_1.tif\na_1.tif\na_2.tif", "val": "a_2.tif\na_3.tif"})
    tiles, missing = open_earth_map_tiles(root, ["train", "val"])
    assert [tile.name for tile in tiles] == ["a_1", "a_2"]
    assert missing == ["a_3.tif"]


def test_listed_images_that_are_not_on_disk_are_returned(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif"], {"train": "xbd_fire_7.tif\na_1.tif\n"})
    tiles, missing = open_earth_map_tiles(root, ["train"])
    assert [tile.name for tile in tiles] == ["a_1"]
    assert missing == ["xbd_fire_7.tif"]


def test_image_without_labels_is_refused(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif"], {"train": "a_1.tif"})
    (root / "a/labels/a_1.tif").unlink()
    with pytest.raises(InputError, match=r"a/labels/a_1\.tif: expected the labels of"):
        open_earth_map_tiles(root, ["train"])


def test_no_image_on_disk_at_all_is_refused(tmp_path: Path) -> None:
    root = make(tmp_path, [], {"train": "a_1.tif\na_2.tif"})
    with pytest.raises(InputError, match=r"none of the 2 images of train\.txt .*a/images/a_1\.tif.*OEM_ROOT"):
        open_earth_map_tiles(root, ["train"])


def test_missing_root_and_list_name_the_variable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected the OpenEarthMap folder, found none; set OEM_ROOT"):
        open_earth_map_tiles(tmp_path / "nowhere", ["train"])
    with pytest.raises(InputError, match=r"train\.txt: expected a list of file names, found no file; set OEM_ROOT"):
        open_earth_map_tiles(tmp_path, ["train"])


def test_empty_list_is_refused(tmp_path: Path) -> None:
    root = make(tmp_path, [], {"train": "\n", "val": ""})
    with pytest.raises(InputError, match=r"expected file names in train\.txt, val\.txt, found none"):
        open_earth_map_tiles(root, ["train", "val"])


def test_binary_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "train.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(InputError, match=r"train\.txt: expected a text file"):
        open_earth_map_tiles(tmp_path, ["train"])


@pytest.mark.parametrize("line", ["aachen.tif", "../aachen_1.tif", "aachen/images/aachen_1.tif", "_1.tif", "a_.tif"])
def test_line_that_is_no_tile_name_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    root = make(tmp_path, ["a_1.tif"], {"train": f"a_1.tif\n{line}\n"})
    with pytest.raises(InputError, match=r"train\.txt, line 2: expected a file name like region_12\.tif"):
        open_earth_map_tiles(root, ["train"])
