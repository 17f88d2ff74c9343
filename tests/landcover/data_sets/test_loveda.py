from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from benchmark_folders import write_loveda
from PIL import Image

from landcover.classes.scheme_file import find_scheme
from landcover.data_sets.loveda import loveda_tiles
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.raster import read_optical


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_loveda(tmp_path / "LoveDA", side=16)


def test_tiles_of_a_split_and_a_landscape_are_those_of_its_folder(root: Path) -> None:
    tiles = loveda_tiles(root, "train", "rural")
    folder = root / "Train" / "Rural"
    assert [(tile.name, tile.image, tile.labels) for tile in tiles] == [
        (name, folder / "images_png" / f"{name}.png", folder / "masks_png" / f"{name}.png") for name in ("0", "9", "10")
    ]
    assert [tile.name for tile in loveda_tiles(root, "val", "urban")] == ["3514", "3515"]


def test_images_and_masks_are_read_as_published(root: Path) -> None:
    tile = loveda_tiles(root, "train", "rural")[1]
    np.testing.assert_array_equal(read_optical(tile.image).pixels, np.asarray(Image.open(tile.image)))
    labels = read_labels(tile.labels, find_scheme("loveda"))
    np.testing.assert_array_equal(labels, np.asarray(Image.open(tile.labels)))
    assert set(np.unique(labels)) == set(range(8))


def test_folders_of_another_case_are_found(root: Path) -> None:
    (root / "Val").rename(root / "val")
    (root / "val" / "Rural").rename(root / "val" / "rural")
    assert [tile.name for tile in loveda_tiles(root, "val", "rural")] == ["2522", "2523"]


def test_what_is_missing_is_told(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere: expected the LoveDA folder, found none; set OEM_ROOT"):
        loveda_tiles(tmp_path / "nowhere", "train", "rural")
    with pytest.raises(InputError, match=r"Train/Train/Rural/images_png: expected a folder of images of LoveDA, found"):
        loveda_tiles(root / "Train", "train", "rural")
    (root / "Train/Rural/masks_png/10.png").unlink()
    with pytest.raises(InputError, match=r"expected a mask of every image, found none for 1 of 3 \(10\.png\)"):
        loveda_tiles(root, "train", "rural")
    for path in (root / "Train/Rural/masks_png").iterdir():
        path.unlink()
    with pytest.raises(InputError, match=r"masks_png: expected masks <n>\.png of LoveDA, found none; unpack"):
        loveda_tiles(root, "train", "rural")
