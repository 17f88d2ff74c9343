from __future__ import annotations

from pathlib import Path

import pytest

from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles, sar_grid_labels, truth_labels
from landcover.errors import InputError


def make(root: Path, *files: str) -> Path:
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


TRAIN = (
    "train/sar_images/TrainArea_002.tif",
    "train/sar_images/TrainArea_001.tif",
    "train/rgb_images/TrainArea_001.tif",
    "train/rgb_images/TrainArea_002.tif",
)
TRAIN_LABELS = ("train/labels/TrainArea_001.tif", "train/labels/TrainArea_002.tif")


def test_train_tiles_are_sorted_and_complete(tmp_path: Path) -> None:
    train = make(tmp_path, *TRAIN, *TRAIN_LABELS) / "train"
    assert dfc2025_tiles(tmp_path, "train") == [
        SarTile(name, train / f"sar_images/{name}.tif", train / f"rgb_images/{name}.tif", train / f"labels/{name}.tif")
        for name in ("TrainArea_001", "TrainArea_002")
    ]


def test_folder_names_match_in_any_case(tmp_path: Path) -> None:
    make(tmp_path, "Train/SAR_images/a.tif", "Train/rgb_Images/a.TIF", "Train/Labels/a.tiff")
    [tile] = dfc2025_tiles(tmp_path, "train")
    assert tile.sar == tmp_path / "Train/SAR_images/a.tif"
    assert tile.optical == tmp_path / "Train/rgb_Images/a.TIF"
    assert tile.labels == tmp_path / "Train/Labels/a.tiff"


def test_train_without_label_folder_has_no_labels(tmp_path: Path) -> None:
    make(tmp_path, *TRAIN)
    assert [tile.labels for tile in dfc2025_tiles(tmp_path, "train")] == [None, None]


def test_train_with_a_label_missing_is_refused(tmp_path: Path) -> None:
    make(tmp_path, *TRAIN, TRAIN_LABELS[0])
    with pytest.raises(InputError, match=r"TrainArea_002\.tif: expected its label file .*labels/TrainArea_002\.tif"):
        dfc2025_tiles(tmp_path, "train")


@pytest.mark.parametrize(("lost", "what"), [(3, "optical image"), (0, "SAR image")])
def test_train_tile_without_its_partner_is_refused(tmp_path: Path, lost: int, what: str) -> None:
    make(tmp_path, *(file for number, file in enumerate(TRAIN) if number != lost))
    with pytest.raises(InputError, match=rf"TrainArea_002\.tif: expected its {what} .*DFC_ROOT"):
        dfc2025_tiles(tmp_path, "train")


def test_number_of_incomplete_tiles_is_told(tmp_path: Path) -> None:
    make(tmp_path, *TRAIN[:2])
    with pytest.raises(InputError, match=r"rgb_images/TrainArea_001\.tif, found none \(and 1 more files without one\)"):
        dfc2025_tiles(tmp_path, "train")


def test_val_and_test_tiles_need_neither_optical_nor_labels(tmp_path: Path) -> None:
    make(tmp_path, "val/sar_images/ValArea_001.tif", "val/sar_images/ValArea_002.tif", "val/labels/ValArea_002.tif")
    make(tmp_path, "test/sar_images/TestArea_001.tif")
    first, second = dfc2025_tiles(tmp_path, "val")
    assert (first.optical, first.labels) == (None, None)
    assert (second.optical, second.labels) == (None, tmp_path / "val/labels/ValArea_002.tif")
    assert dfc2025_tiles(tmp_path, "test") == [
        SarTile("TestArea_001", tmp_path / "test/sar_images/TestArea_001.tif", None, None)
    ]


def test_side_files_are_not_tiles(tmp_path: Path) -> None:
    make(tmp_path, *(f"val/sar_images/{name}" for name in ("a.tif", "._a.tif", ".x.tif", "a.tif.aux.xml", "notes.txt")))
    (tmp_path / "val/sar_images/folder.tif").mkdir()
    assert [tile.name for tile in dfc2025_tiles(tmp_path, "val")] == ["a"]


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "val/sar_images/a.tif", "val/sar_images/a.tiff")
    with pytest.raises(InputError, match=r"a\.tiff: expected one file per tile, found also a\.tif"):
        dfc2025_tiles(tmp_path, "val")


def test_missing_and_empty_folders_name_folder_and_variable(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected the OpenEarthMap-SAR folder, found none; set DFC_ROOT"):
        dfc2025_tiles(tmp_path / "nowhere", "train")
    with pytest.raises(InputError, match=r"test/sar_images: expected a folder of SAR tiles, found none; set DFC_ROOT"):
        dfc2025_tiles(tmp_path, "test")
    (tmp_path / "test" / "sar_images").mkdir(parents=True)
    with pytest.raises(
        InputError, match=r"test/sar_images: expected SAR tiles \(\.tif or \.tiff\), found none; set DFC_ROOT"
    ):
        dfc2025_tiles(tmp_path, "test")


def test_truth_labels_are_tiff_or_png_by_tile_name(tmp_path: Path) -> None:
    make(tmp_path, "val/Labels/ValArea_002.png", "val/Labels/ValArea_001.tif", "val/Labels/readme.md")
    assert truth_labels(tmp_path, "val") == {
        "ValArea_001": tmp_path / "val/Labels/ValArea_001.tif",
        "ValArea_002": tmp_path / "val/Labels/ValArea_002.png",
    }
    assert list(truth_labels(tmp_path, "val")) == ["ValArea_001", "ValArea_002"]


def test_truth_labels_are_empty_without_their_folder(tmp_path: Path) -> None:
    assert truth_labels(tmp_path, "test") == {}
    assert truth_labels(tmp_path / "nowhere", "test") == {}


def test_labels_on_the_sar_grid_lie_beside_those_of_train(tmp_path: Path) -> None:
    assert sar_grid_labels(tmp_path) == {}
    make(tmp_path, "train/SAR_grid_labels/b.png", "train/SAR_grid_labels/a.tif", "train/labels/c.tif")
    folder = tmp_path / "train" / "SAR_grid_labels"
    assert sar_grid_labels(tmp_path) == {"a": folder / "a.tif", "b": folder / "b.png"}


def test_two_folders_that_differ_in_case_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "val/labels/a.tif")
    try:
        (tmp_path / "val" / "Labels").mkdir()
    except FileExistsError:
        pytest.skip("this file system does not tell case apart")
    with pytest.raises(InputError, match="expected one folder labels, found Labels and labels"):
        truth_labels(tmp_path, "val")


def test_a_tile_gives_what_a_network_reads_of_it() -> None:
    tile = SarTile("a", Path("sar/a.tif"), Path("rgb/a.tif"), None)
    assert tile.image("sar") == Path("sar/a.tif") and tile.image("optical") == Path("rgb/a.tif")
    assert tile.image("optical+sar") == {"optical": Path("rgb/a.tif"), "sar": Path("sar/a.tif")}
    with pytest.raises(InputError, match=r"sar/a.tif: expected an optical image of the same name in rgb_images, found"):
        SarTile("a", Path("sar/a.tif"), None, None).image("optical+sar")


def test_a_partner_that_differs_in_case_is_named(tmp_path: Path) -> None:
    make(tmp_path, *TRAIN)
    (tmp_path / "train/rgb_images/TrainArea_002.tif").rename(tmp_path / "train/rgb_images/trainarea_002.TIF")
    with pytest.raises(
        InputError, match=r"rgb_images/TrainArea_002\.tif, found trainarea_002\.TIF; rename one of them"
    ):
        dfc2025_tiles(tmp_path, "train")


def test_labels_of_longer_names_are_named(tmp_path: Path) -> None:
    make(tmp_path, *TRAIN, TRAIN_LABELS[0], "train/labels/TrainArea_002_mask.tif")
    with pytest.raises(InputError, match=r"labels/TrainArea_002\.tif, found TrainArea_002_mask\.tif; rename one of"):
        dfc2025_tiles(tmp_path, "train")
