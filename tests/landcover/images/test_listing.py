from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem, image_files, in_any_case, spelt_otherwise


def make(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / name).touch()
    return folder


def test_images_of_any_suffix_are_listed_and_hidden_files_are_not(tmp_path: Path) -> None:
    make(tmp_path, "b.TIF", "a.tiff", "ü 1.tif", "c.Tiff", "._a.tif", ".b.tif", "a.tif.aux.xml", "b.ovr", "d.png")
    make(tmp_path / "folder.tif")
    assert [path.name for path in files_by_stem(tmp_path).values()] == ["a.tiff", "b.TIF", "c.Tiff", "ü 1.tif"]
    assert list(files_by_stem(tmp_path, LABEL_SUFFIXES)) == ["a", "b", "c", "d", "ü 1"]


def test_a_link_is_followed_and_a_broken_one_is_named(tmp_path: Path) -> None:
    make(tmp_path / "disk", "a.tif")
    folder = make(tmp_path / "images")
    (folder / "a.tif").symlink_to("../disk/a.tif")
    assert files_by_stem(folder) == {"a": folder / "a.tif"}
    (tmp_path / "disk" / "a.tif").unlink()
    with pytest.raises(InputError, match=r"images/a\.tif: expected a file, found a link to \.\./disk/a\.tif, which is"):
        files_by_stem(folder)


def test_two_files_of_one_stem_are_named(tmp_path: Path) -> None:
    make(tmp_path, "a.tif", "a.TIFF")
    with pytest.raises(InputError, match=r"a\.tif: expected one file per tile, found also a\.TIFF; keep one"):
        files_by_stem(tmp_path)


def test_a_folder_without_images_tells_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"expected tiles \(\.tif or \.tiff\), found none; check the path"):
        image_files(tmp_path, "tiles")
    make(tmp_path, "a.jp2", "b.JP2", "readme", ".DS_Store")
    with pytest.raises(InputError, match=r"found files of other kinds \(\.jp2, no suffix\); look elsewhere"):
        image_files(tmp_path, "tiles", "look elsewhere")


def test_what_is_no_folder_is_refused_in_one_line(tmp_path: Path) -> None:
    make(tmp_path, "a.tif")
    with pytest.raises(InputError, match=r"a\.tif: expected a folder of images, found a file; name the folder that"):
        files_by_stem(tmp_path / "a.tif")
    with pytest.raises(InputError, match=r"nowhere: expected a folder of images, found none; check the path"):
        files_by_stem(tmp_path / "nowhere")


def test_a_name_is_found_in_any_case_unless_two_are_alike(tmp_path: Path) -> None:
    make(tmp_path, "Labels", "val", "VAL", "Test", "TEST")
    assert in_any_case(tmp_path, "labels") == tmp_path / "Labels"
    assert in_any_case(tmp_path, "val") == tmp_path / "val"
    assert in_any_case(tmp_path, "test") == tmp_path / "test"
    assert in_any_case(tmp_path / "nowhere", "a") == tmp_path / "nowhere" / "a"


def test_a_name_that_is_spelt_otherwise_is_found() -> None:
    assert spelt_otherwise("Köln_1", ["a", "ko\u0308ln_1", "köln_1_label"]) == "ko\u0308ln_1"
    assert spelt_otherwise("a_1", ["a_10", "a_1-mask", "b_1"]) == "a_1-mask"
    assert spelt_otherwise("a_1", ["a_10", "a_1b", "b"]) is None
