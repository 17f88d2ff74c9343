from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmark_folders import ISPRS_COLOURS, write_potsdam, write_vaihingen
from PIL import Image

from landcover.classes.scheme_file import find_scheme
from landcover.data_sets.isprs import POTSDAM, VAIHINGEN, City, isprs_tiles
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.raster import write_raster


@pytest.fixture(scope="module")
def potsdam(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_potsdam(tmp_path_factory.mktemp("potsdam"), side=8)


@pytest.fixture(scope="module")
def vaihingen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_vaihingen(tmp_path_factory.mktemp("vaihingen"), side=8)


def copied(root: Path, new: Path) -> Path:
    """The same folders with links to the files."""
    for path in root.rglob("*.tif"):
        place = new / path.relative_to(root)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.symlink_to(path)
    return new


@pytest.mark.parametrize(("city", "counts"), [(POTSDAM, (24, 14)), (VAIHINGEN, (16, 17))], ids=["potsdam", "vaihingen"])
def test_splits_are_those_of_the_contest_without_an_area_in_both(city: City, counts: tuple[int, int]) -> None:
    train, test = (city.areas[split].split() for split in ("train", "test"))
    assert (len(train), len(test)) == counts
    assert len({*train, *test}) == sum(counts)


def test_an_area_is_an_image_of_the_bands_and_its_labels(potsdam: Path) -> None:
    tiles = isprs_tiles(potsdam, "train", POTSDAM, "irrg")
    assert len(tiles) == 24
    assert tiles[0].image == potsdam / "3_Ortho_IRRG" / "top_potsdam_2_10_IRRG.tif"
    assert tiles[0].labels == potsdam / "5_Labels_all" / "top_potsdam_2_10_label.tif"
    assert tiles[0].name == "top_potsdam_2_10_IRRG"
    rgb = isprs_tiles(potsdam, "test", POTSDAM, "rgb")
    assert rgb[0].image == potsdam / "2_Ortho_RGB" / "top_potsdam_2_13_RGB.tif"
    assert [tile.name.split("_")[2:4] for tile in rgb] == [area.split("_") for area in POTSDAM.areas["test"].split()]


def test_images_and_labels_of_one_name_are_told_apart_by_their_folders(vaihingen: Path) -> None:
    tiles = isprs_tiles(vaihingen, "train", VAIHINGEN, "irrg")
    assert tiles[0].image == vaihingen / "top" / "top_mosaic_09cm_area1.tif"
    assert tiles[0].labels == vaihingen / "gts_for_participants" / "top_mosaic_09cm_area1.tif"
    assert [tile.name for tile in tiles[:3]] == [f"top_mosaic_09cm_area{area}" for area in (1, 3, 5)]


def test_labels_without_borders_come_first_and_nested_folders_are_found(potsdam: Path, tmp_path: Path) -> None:
    root = copied(potsdam, tmp_path / "nested")
    better = root / "5_Labels_all_noBoundary" / "again" / "top_potsdam_2_10_label_noBoundary.tif"
    write_raster(better, np.zeros((8, 8, 3), np.uint8))
    (root / "2_Ortho_RGB").rename(root / "again")
    tiles = isprs_tiles(root, "train", POTSDAM, "rgb")
    assert tiles[0].labels == better and tiles[1].labels.parent.name == "5_Labels_all"
    assert tiles[0].image == root / "again" / "top_potsdam_2_10_RGB.tif"


def test_what_is_missing_is_told(potsdam: Path, vaihingen: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected the folder of ISPRS Potsdam, found none; set OEM_ROOT"):
        isprs_tiles(tmp_path / "nowhere", "train", POTSDAM, "rgb")
    root = copied(potsdam, tmp_path / "potsdam")
    for path in (root / "2_Ortho_RGB").iterdir():
        path.unlink()
    with pytest.raises(
        InputError,
        match=r"expected RGB images of the 24 train areas of Potsdam, found none of 24 \(2_10, 2_11, 2_12 and 21 "
        r"more\) but IRRG images; unpack 2_Ortho_RGB\.zip there",
    ):
        isprs_tiles(root, "train", POTSDAM, "rgb")
    (root / "5_Labels_all" / "top_potsdam_7_13_label.tif").unlink()
    assert len(isprs_tiles(root, "train", POTSDAM, "irrg")) == 24
    with pytest.raises(InputError, match=r"expected labels of the 14 test areas of Potsdam, found none of 1 \(7_13\)"):
        isprs_tiles(root, "test", POTSDAM, "irrg")
    flat = copied(vaihingen, tmp_path / "vaihingen")
    (flat / "top").rename(flat / "images")
    with pytest.raises(InputError, match=r"expected IRRG images of the 17 test areas of Vaihingen, found none of 17"):
        isprs_tiles(flat, "test", VAIHINGEN, "irrg")


@pytest.mark.parametrize("name", ["isprs", "isprs_six"])
def test_colours_of_both_kinds_of_files_are_classes_also_after_a_lossy_format(name: str, tmp_path: Path) -> None:
    scheme = find_scheme(name)
    colours = np.array([[*ISPRS_COLOURS, (252, 255, 0), (9, 222, 221), (225, 227, 227), (12, 3, 40)]], np.uint8)
    Image.fromarray(colours).save(tmp_path / "labels.png")
    assert read_labels(tmp_path / "labels.png", scheme).tolist() == [[0, 1, 2, 3, 4, 5, 6, 5, 3, 1, 0]]
    assert scheme.scored.tolist() == [True] * 5 + [name == "isprs_six"]
    Image.fromarray(np.array([[(255, 0, 255)]], np.uint8)).save(tmp_path / "labels.png")
    with pytest.raises(InputError, match=r"expected the colours of the scheme isprs.*, found #FF00FF"):
        read_labels(tmp_path / "labels.png", scheme)
