from __future__ import annotations

import subprocess
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
    (tmp_path / "train.txt").write_bytes(b"\x80\x81\x82")
    with pytest.raises(InputError, match=r"train\.txt: expected file names in UTF-8, found bytes of another encoding"):
        open_earth_map_tiles(tmp_path, ["train"])


@pytest.mark.parametrize("line", ["aachen.tif", "../aachen_1.tif", "aachen/images/aachen_1.tif", "_1.tif", "a_.tif"])
def test_line_that_is_no_tile_name_is_refused_with_its_number(tmp_path: Path, line: str) -> None:
    root = make(tmp_path, ["a_1.tif"], {"train": f"a_1.tif\n{line}\n"})
    with pytest.raises(InputError, match=r"train\.txt, line 2: expected a file name like region_12\.tif"):
        open_earth_map_tiles(root, ["train"])


@pytest.mark.parametrize("suffix", [".TIF", ".tiff", ".Tiff"])
def test_files_of_another_suffix_or_case_than_listed_are_found(tmp_path: Path, suffix: str) -> None:
    root = make(tmp_path, ["Aville_1.tif"], {"train": "aville_1.tif\n"})
    image, labels = (root / "Aville" / kind / f"Aville_1{suffix}" for kind in ("images", "labels"))
    for path in (image, labels):
        path.with_suffix(".tif").rename(path)
        (path.parent / f"._Aville_1{suffix}").touch()
    assert open_earth_map_tiles(root, ["train"]) == ([LabelledTile("aville_1", image, labels)], [])


def test_the_name_of_a_tile_as_listed_comes_before_one_of_another_case(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_x1.tif", "a_X1.tif"], {"train": "a_X1.tif\na_x1.tif\n"})
    assert [tile.image.name for tile in open_earth_map_tiles(root, ["train"])[0]] == ["a_X1.tif", "a_x1.tif"]


def test_names_without_suffix_are_read_and_are_the_same_tiles(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif", "a_2.tif"], {"train": "a_1\na_2\na_3\n", "val": "a_1.tif\n"})
    tiles, missing = open_earth_map_tiles(root, ["train", "val"])
    assert [tile.name for tile in tiles] == ["a_1", "a_2"]
    assert missing == ["a_3"]


@pytest.mark.parametrize(
    ("encoding", "told"),
    [("utf-16", "UTF-16, as `>` of"), ("utf-16-le", "UTF-16, as `>` of"), ("cp1252", "bytes of another encoding")],
)
def test_a_list_in_another_encoding_is_refused_with_a_command_that_helps(
    tmp_path: Path, encoding: str, told: str
) -> None:
    root = make(tmp_path / "my data", ["zürich_1.tif"], {})
    (root / "train.txt").write_text("zürich_1.tif\n", encoding=encoding)
    with pytest.raises(InputError, match=rf"train\.txt: expected file names in UTF-8, found {told}") as error:
        open_earth_map_tiles(root, ["train"])
    command = str(error.value).rpartition("or with ")[2]
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    assert [tile.name for tile in open_earth_map_tiles(root, ["train"])[0]] == ["zürich_1"]


def test_a_broken_link_is_named_and_not_taken_for_a_missing_tile(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif", "a_2.tif"], {"train": "a_1.tif\na_2.tif\n"})
    (root / "a/images/a_1.tif").unlink()
    (root / "a/images/a_1.tif").symlink_to("/nowhere/a_1.tif")
    with pytest.raises(InputError, match=r"images/a_1\.tif: expected a file, found a link to /nowhere/a_1\.tif"):
        open_earth_map_tiles(root, ["train"])


@pytest.mark.parametrize(
    "line", ["a\\images\\a_1.tif", "a_1.tif,a_2.tif", '"a_1.tif"', "# my_tiles 2", "a_1.tif a_2.tif", "a_1.png"]
)
def test_a_line_that_can_be_no_published_name_is_not_taken_for_a_missing_tile(tmp_path: Path, line: str) -> None:
    root = make(tmp_path, ["a_1.tif", "a_2.tif"], {"train": f"a_2.tif\n{line}\n"})
    with pytest.raises(
        InputError, match=r"train\.txt, line 2: expected a file name like region_12\.tif, found"
    ) as told:
        open_earth_map_tiles(root, ["train"])
    assert repr(line) in str(told.value) and "\n" not in str(told.value)


def test_names_with_spaces_commas_and_dots_are_found_where_they_are_on_disk(tmp_path: Path) -> None:
    names = ["a b, c_1 copy.tif", "l'ile_1.v2.tif"]
    root = make(tmp_path, names, {"train": "\n".join(names)})
    tiles, missing = open_earth_map_tiles(root, ["train"])
    assert [tile.image.name for tile in tiles] == names
    assert missing == []


def test_two_spellings_of_one_image_are_one_tile(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_x1.tif"], {"train": "a_x1.tif\n", "val": "A_X1.tif\n"})
    assert [tile.name for tile in open_earth_map_tiles(root, ["train", "val"])[0]] == ["a_x1"]


def test_accents_of_one_or_two_characters_are_the_same(tmp_path: Path) -> None:
    root = make(tmp_path, ["k\u00f6ln_1.tif"], {"train": "ko\u0308ln_1.tif\n"})
    tiles, missing = open_earth_map_tiles(root, ["train"])
    assert [tile.image for tile in tiles] == [root / "k\u00f6ln/images/k\u00f6ln_1.tif"]
    assert missing == []


def test_labels_of_longer_names_are_named(tmp_path: Path) -> None:
    root = make(tmp_path, ["a_1.tif", "a_10.tif"], {"train": "a_1.tif"})
    (root / "a/labels/a_1.tif").rename(root / "a/labels/a_1_label.tif")
    with pytest.raises(InputError, match=r"a_1\.tif, found a_1_label\.tif; name label files as their images"):
        open_earth_map_tiles(root, ["train"])
