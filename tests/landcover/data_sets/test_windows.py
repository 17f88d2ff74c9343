from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.data_sets.stored_tiles import TrainingTile
from landcover.data_sets.training_tiles import TrainingTiles
from landcover.data_sets.windows import cut_tiles
from landcover.errors import InputError
from landcover.images.raster import write_raster


def tile(folder: Path, height: int, width: int, labels: tuple[int, int] | None = None) -> TrainingTile:
    image, label_file = folder / f"{height}_{width}.tif", folder / f"{height}_{width}_labels.tif"
    write_raster(image, np.full((height, width, 3), 9, np.uint8))
    write_raster(label_file, np.ones(labels or (height, width), np.uint8))
    return TrainingTile(image, label_file)


@pytest.mark.parametrize(("height", "width", "count"), [(65, 64, 2), (200, 64, 4), (129, 300, 15), (128, 128, 4)])
def test_the_parts_of_an_image_cover_every_pixel_once_and_are_alike(
    tmp_path: Path, height: int, width: int, count: int
) -> None:
    whole = tile(tmp_path, height, width)
    parts = cut_tiles([whole], 64)
    covered, sizes = np.zeros((height, width), int), []
    for part in parts:
        assert (part.image, part.labels) == (whole.image, whole.labels) and part.area is not None
        covered[part.area] += 1
        sizes.append(covered[part.area].shape)
    assert (covered == 1).all() and len(parts) == count
    assert np.ptp(sizes, axis=0).max() <= 1 and np.max(sizes) <= 64


def test_small_images_stay_as_they_are(tmp_path: Path) -> None:
    tiles = [tile(tmp_path, 64, 64), tile(tmp_path, 10, 64)]
    assert cut_tiles(tiles, 64) == tiles


def test_labels_of_another_size_are_told_before_a_training(tmp_path: Path) -> None:
    wrong = tile(tmp_path, 90, 80, labels=(90, 81))
    with pytest.raises(InputError, match=r"labels\.tif: expected the size of .*_80\.tif \(90, 80\), found \(90, 81\)"):
        cut_tiles([wrong], 64)


def test_an_epoch_weighs_images_by_their_areas(tmp_path: Path) -> None:
    tiles = [tile(tmp_path, 32, 32), tile(tmp_path, 64, 96)]
    dataset = TrainingTiles(tiles, "optical", 32, scale=(1.0, 1.0), max_class_share=1.0, largest_tile=32)
    assert len(dataset) == 7
    files = [dataset[number]["data_samples"].img_path for number in range(7)]
    assert sorted(Path(file).name for file in files) == ["32_32.tif"] + ["64_96.tif"] * 6


def test_samples_for_rare_classes_come_from_the_parts_that_show_them(tmp_path: Path) -> None:
    whole = tile(tmp_path, 64, 64)
    labels = np.ones((64, 64), np.uint8)
    labels[40:50, 40:50] = 2
    assert whole.labels is not None
    write_raster(whole.labels, labels)
    rare = {"temperature": 0.001, "min_pixels": 50}  # always the rarest class
    options = {"scale": (1.0, 1.0), "rare_classes": rare, "largest_tile": 32}
    dataset = TrainingTiles([whole], "optical", 32, statistics=tmp_path / "counts.json", **options)
    assert [int((dataset.sample(number).indices == 1).sum()) for number in range(4)] == [100] * 4
    again = TrainingTiles([whole], "optical", 32, statistics=tmp_path / "counts.json", **options)
    assert again._draw(0, np.random.default_rng(0)) == (3, 1)
    uncut = TrainingTiles([whole], "optical", 32, statistics=tmp_path / "counts.json", rare_classes=rare)
    assert uncut._draw(0, np.random.default_rng(0)) == (0, 1)  # not of the windows' counts


@pytest.mark.parametrize("side", [31, 64.0, "64"])
def test_a_largest_tile_that_is_none_is_refused(tmp_path: Path, side: object) -> None:
    with pytest.raises(InputError, match="largest_tile: expected None, or a whole number of at least crop_size, 32"):
        TrainingTiles([tile(tmp_path, 64, 64)], "optical", 32, largest_tile=side)
