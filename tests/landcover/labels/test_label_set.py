from pathlib import Path

import numpy as np
import pytest

from landcover.data_sets.dfc2025 import SarTile
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.labels.label_set import (
    LabelSet,
    check_grids,
    check_names,
    check_tiles,
    label_set,
    manual_labels,
    published_labels,
    sar_grid_truth,
)


def write(folder: Path, *names: str, size: tuple[int, int] = (2, 3)) -> Path:
    for name in names:
        write_raster(folder / name, np.ones(size, np.uint8))
    return folder


def test_a_set_is_named_by_option_or_by_the_end_of_its_path(tmp_path: Path) -> None:
    folder = write(tmp_path / "a=b" / "labels", "x.tif", ".y.tif", "z.TIF", "other.txt")
    named, unnamed = label_set(f"mine={folder}"), label_set(f"{folder}/")
    assert (named.name, unnamed.name) == ("mine", "a=b/labels")
    assert named.files == unnamed.files == {"x": folder / "x.tif", "z": folder / "z.TIF"}
    assert named.only(["z", "absent"]) == LabelSet("mine", {"z": folder / "z.TIF"})
    assert named.read("x").tolist() == [[1, 1, 1], [1, 1, 1]]


def test_the_digest_follows_the_content_and_not_the_place(tmp_path: Path) -> None:
    first, second = label_set(str(write(tmp_path / "a", "x.tif"))), label_set(str(write(tmp_path / "b", "x.tif")))
    assert first.digest() == second.digest()
    write(tmp_path / "b", "x.tif", size=(2, 4))
    assert label_set(str(tmp_path / "b")).digest() != first.digest()


def test_folders_without_usable_labels_are_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    twice = write(tmp_path / "twice", "x.tif", "x.tiff")
    cases = {
        tmp_path / "absent": r"absent: expected a folder of label files, found none",
        tmp_path / "empty": r"empty: expected label files <tile>.tif or .png, found none",
        twice: r"x.tiff: expected one file per tile, found also x.tif",
    }
    for folder, message in cases.items():
        with pytest.raises(InputError, match=message):
            label_set(str(folder))


def test_missing_tiles_other_grids_and_equal_names_are_refused(tmp_path: Path) -> None:
    images = {name: write(tmp_path / "rgb", f"{name}.tif") / f"{name}.tif" for name in "abcde"}
    labels = label_set(f"mine={write(tmp_path / 'labels', 'a.tif', 'extra.tif')}")
    with pytest.raises(
        InputError, match=r"labels: .* each of 5 tiles, found none for 4 \(b, c, d and 1 more\); .* mine"
    ):
        check_tiles(labels, images)
    check_tiles(labels, {"a": images["a"]})
    check_grids(labels, images)
    write(tmp_path / "labels", "a.tif", size=(3, 3))
    with pytest.raises(InputError, match=r"labels/a.tif: expected the 2x3 pixels of .*rgb/a.tif, found 3x3; "):
        check_grids(labels, images)
    for name, place in (("rgb", 300_000.0), ("labels", 300_001.0)):
        georeference = utm_georeference(32654, place, 3_900_000.0, 0.5)
        write_raster(tmp_path / name / "a.tif", np.ones((2, 3), np.uint8), georeference)
    with pytest.raises(InputError, match=r"labels/a.tif: expected the upper left corner x 300000 .*, found x 300001 "):
        check_grids(labels, images)
    check_names([labels, LabelSet("yours", labels.files)])
    with pytest.raises(InputError, match=r"two label sets are called mine; .* NAME=FOLDER"):
        check_names([labels, labels])


def test_files_that_came_with_the_tiles_are_published_labels_and_no_truth(tmp_path: Path) -> None:
    folder = write(tmp_path / "data" / "train" / "labels", "a.tif", "b.tif")
    tiles = [SarTile(name, tmp_path / f"{name}.tif", None, folder / f"{name}.tif") for name in "ab"]
    assert published_labels(tiles) == LabelSet("published", {name: folder / f"{name}.tif" for name in "ab"})
    assert manual_labels(tmp_path / "data", tiles) is None
    (tmp_path / "linked").symlink_to(tmp_path / "data")
    assert manual_labels(tmp_path / "linked", tiles) is None
    assert manual_labels(tmp_path / "absent", tiles) is None
    truth = write(tmp_path / "truth" / "train" / "labels", "b.tif", "unknown_tile.tif")
    assert manual_labels(tmp_path / "truth", tiles) == LabelSet(
        "manual labels of 1 train tiles", {"b": truth / "b.tif"}
    )
    unlabelled = [SarTile(name, tmp_path / f"{name}.tif", None, None) for name in "ab"]
    assert published_labels(unlabelled) is None
    assert manual_labels(tmp_path / "data", unlabelled) is not None  # nothing was published: these are the truth


def test_manual_labels_on_the_sar_images_are_told_apart(tmp_path: Path) -> None:
    tiles = [SarTile(name, tmp_path / f"{name}.tif", None, None) for name in "ab"]
    assert sar_grid_truth(tmp_path, tiles) is None
    truth = write(tmp_path / "train" / "sar_grid_labels", "b.tif", "unknown_tile.tif")
    told = "manual labels of 1 train tiles on the SAR images"
    assert sar_grid_truth(tmp_path, tiles) == LabelSet(told, {"b": truth / "b.tif"})
    assert manual_labels(tmp_path, tiles) is None
