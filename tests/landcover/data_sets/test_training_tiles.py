from itertools import islice

import numpy as np
import pytest
import torch
from sar_scenes import write_scene
from torch.utils.data import DataLoader

from landcover.classes import OPEN_EARTH_MAP, UNLABELLED_INDEX
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.ordinal_sampler import OrdinalSampler, shuffled_index
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_sar, write_raster
from landcover.transforms.random_scale_crop import RandomScaleCrop
from landcover.transforms.sample import Sample

AUGMENTATIONS = [
    {
        "type": "Albumentation",
        "transforms": [{"type": "HorizontalFlip", "p": 0.5}, {"type": "RandomRotate90", "p": 0.5}],
    }
]


@pytest.fixture
def pairs(registered, demo_root):
    return dfc2025_tiles(demo_root / "DFC2025Track1", "train")


@pytest.fixture
def sar(pairs):
    return TrainingTiles([TrainingTile(t.sar, t.labels) for t in pairs], "sar", 32, augmentations=AUGMENTATIONS, seed=2)


def as_tuple(sample):
    return sample["inputs"].numpy().tobytes(), sample["data_samples"].gt_sem_seg.data.numpy().tobytes()


def loaded(data_set, count, workers, skipped=0):
    sampler = OrdinalSampler(data_set)
    sampler.skip(skipped)
    loader = DataLoader(data_set, batch_size=None, sampler=sampler, num_workers=workers)
    return [as_tuple(sample) for sample in islice(loader, count)]


def test_a_sar_sample_has_one_band_and_indices(sar):
    sample = sar[0]
    inputs, indices = sample["inputs"], sample["data_samples"].gt_sem_seg.data
    assert (inputs.shape, inputs.dtype) == ((1, 32, 32), torch.uint8)
    assert (indices.shape, indices.dtype) == ((1, 32, 32), torch.uint8)
    assert set(indices.unique().tolist()) <= {*range(8), 255}
    assert len(sar) == 4 and sar.metainfo["classes"] == OPEN_EARTH_MAP.classes


def test_a_crop_at_scale_1_is_cut_from_image_and_labels_alike(pairs):
    tiles = [TrainingTile(tile.optical, tile.labels) for tile in pairs[:1]]
    sample = TrainingTiles(tiles, "optical", 64, scale=(1.0, 1.0))[5]
    np.testing.assert_array_equal(sample["inputs"].numpy().transpose(1, 2, 0), read_optical(pairs[0].optical).pixels)
    expected = OPEN_EARTH_MAP.to_indices(read_labels(pairs[0].labels, OPEN_EARTH_MAP))
    np.testing.assert_array_equal(sample["data_samples"].gt_sem_seg.data[0].numpy(), expected)


def test_labels_are_void_where_a_sar_image_has_no_data_and_nowhere_else(tmp_path, registered):
    image = np.full((64, 64), 9, np.uint8)
    image[:20] = 0  # a wedge
    image[40:44, 40:44] = 0  # dark water
    write_raster(tmp_path / "image.tif", image)
    write_raster(tmp_path / "labels.tif", np.full((64, 64), 6, np.uint8))
    tile = TrainingTile(tmp_path / "image.tif", tmp_path / "labels.tif")
    expected = np.full((64, 64), 5)
    expected[:20] = 255
    indices = TrainingTiles([tile], "sar", 64, scale=(1.0, 1.0))[0]["data_samples"].gt_sem_seg.data[0]
    np.testing.assert_array_equal(indices.numpy(), expected)


def test_samples_name_their_image_file(sar):
    for ordinal in range(8):
        tile = sar.tiles[shuffled_index(ordinal, 4, 2)]
        assert sar[ordinal]["data_samples"].metainfo == {"img_path": str(tile.image)}


def test_unlabelled_tiles_tell_image_from_padding(pairs):
    data_set = TrainingTiles([TrainingTile(tile.optical) for tile in pairs], "optical", 96, scale=(1.0, 1.0))
    indices = data_set[0]["data_samples"].gt_sem_seg.data[0]
    expected = torch.full((96, 96), 255)
    expected[:64, :64] = 0
    assert torch.equal(indices, expected)


def test_unlabelled_pixels_can_be_told_from_what_is_no_image(pairs, tmp_path):
    labels = read_labels(pairs[0].labels, OPEN_EARTH_MAP)
    labels[:32] = 0
    write_raster(tmp_path / "labels.tif", labels)
    for file, inside in (
        (tmp_path / "labels.tif", [UNLABELLED_INDEX, labels[63, 63] - 1]),
        (None, [UNLABELLED_INDEX] * 2),
    ):
        tiles = TrainingTiles([TrainingTile(pairs[0].sar, file)], "sar", 96, (1.0, 1.0), 1.0, marks_unlabelled=True)
        indices = tiles.sample(0).indices
        assert [indices[0, 0], indices[63, 63], indices[64, 64], indices[95, 0]] == [*inside, 255, 255]
    plain = TrainingTiles([TrainingTile(pairs[0].sar, tmp_path / "labels.tif")], "sar", 96, (1.0, 1.0), 1.0)
    assert plain.sample(0).indices[0, 0] == 255


def test_sample_n_does_not_depend_on_workers_or_on_what_was_skipped(sar):
    alone = loaded(sar, 12, workers=0)
    assert len(set(alone)) == 12
    assert loaded(sar, 12, workers=2) == alone
    assert loaded(sar, 5, workers=0, skipped=7) == alone[7:]
    assert [as_tuple(sar[ordinal]) for ordinal in reversed(range(12))] == alone[::-1]


def test_an_epoch_sees_every_tile_once(tmp_path, registered):
    for number in range(5):
        write_raster(tmp_path / f"{number}.tif", np.full((8, 8), 10 * number, np.uint8))
    data_set = TrainingTiles(
        [TrainingTile(tmp_path / f"{n}.tif") for n in range(5)], "sar", 8, scale=(1.0, 1.0), seed=4
    )
    epochs = [[int(data_set[5 * epoch + n]["inputs"].max()) for n in range(5)] for epoch in range(6)]
    assert all(sorted(epoch) == [0, 10, 20, 30, 40] for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 1


def test_another_seed_gives_another_stream(sar, pairs):
    other = TrainingTiles(sar.tiles, "sar", 32, augmentations=AUGMENTATIONS, seed=3)
    assert as_tuple(other[0]) != as_tuple(sar[0])


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_other_sar_types_keep_their_values(tmp_path, dtype):
    pixels = (1000 * np.random.default_rng(0).random((16, 16))).astype(dtype)
    write_raster(tmp_path / "a.tif", pixels)
    sample = TrainingTiles([TrainingTile(tmp_path / "a.tif")], "sar", 16, scale=(1.0, 1.0))[0]
    np.testing.assert_array_equal(sample["inputs"][0].numpy(), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("bands", [1, 2, 3, 5])
def test_bands_come_first_with_their_values(tmp_path, dtype, bands):
    pixels = np.random.default_rng(0).integers(1, 256, (40, 30, bands)).astype(dtype)
    path, numbers = write_scene(tmp_path / "a.tif", pixels), tuple(range(1, bands + 1))
    inputs = TrainingTiles([TrainingTile(path)], "sar", 40, scale=(1.0, 1.0), bands=numbers)[0]["inputs"].numpy()
    assert inputs.shape == (bands, 40, 40) and inputs.dtype == dtype
    np.testing.assert_array_equal(inputs[:, :, :30], pixels.transpose(2, 0, 1))
    assert (inputs[:, :, 30:] == 0).all()


def test_labels_of_another_size_are_refused_by_name(tmp_path):
    write_raster(tmp_path / "image.tif", np.zeros((8, 8), np.uint8))
    write_raster(tmp_path / "labels.tif", np.zeros((8, 7), np.uint8))
    data_set = TrainingTiles([TrainingTile(tmp_path / "image.tif", tmp_path / "labels.tif")], "sar", 8)
    with pytest.raises(InputError, match=r"labels\.tif: expected the size of .*image\.tif \(8, 8\), found \(8, 7\)"):
        data_set[0]


def test_no_tiles_are_refused():
    with pytest.raises(InputError, match=r"training set \(sar\): expected at least one tile, found none"):
        TrainingTiles([], "sar", 8)


@pytest.fixture
def uneven(tmp_path, registered):
    """Tiles of 64 x 64 whose grey value is their number; class 0 is common, class 7 (a 6 x 10 patch) is rare."""
    labels = np.ones((4, 64, 64), np.uint8)
    labels[0, :, 32:] = 2
    labels[1, 20:42] = 6
    labels[2, 30:36, 40:50] = 8
    labels[3] = 0
    tiles = [TrainingTile(tmp_path / f"{number}.tif", tmp_path / f"{number}_labels.tif") for number in range(4)]
    for number, tile in enumerate(tiles):
        write_raster(tile.image, np.full((64, 64), number, np.uint8))
        write_raster(tile.labels, labels[number])
    return tiles


def rare(tiles, temperature=0.2, min_pixels=30, **settings):
    settings = {"scale": (1.0, 1.0), "augmentations": AUGMENTATIONS, "seed": 2, **settings}
    chosen = {"temperature": temperature, "min_pixels": min_pixels}
    return TrainingTiles(tiles, "sar", 32, rare_classes=chosen, **settings)


def test_rare_classes_are_drawn_as_often_as_the_softmax_says(uneven):
    total = np.zeros(8)
    for tile in uneven:
        total += np.bincount(read_labels(tile.labels, OPEN_EARTH_MAP).ravel(), minlength=9)[1:]
    weights = np.where(total > 0, np.exp((1 - total / total.sum()) / 0.2), 0)
    chances = weights / weights.sum()
    # class 1 is in tile 0 alone, class 5 in tile 1, class 7 in tile 2; class 0 in all three
    expected = np.array([chances[1], chances[5], chances[7], 0]) + chances[0] * np.array([1, 1, 1, 0]) / 3
    data_set, number = rare(uneven), 2000
    drawn = np.bincount([int(data_set[n]["inputs"].max()) for n in range(number)], minlength=4) / number
    assert drawn[3] == 0
    assert (np.abs(drawn - expected) <= 4 * np.sqrt(expected * (1 - expected) / number)).all()


def test_crops_show_the_rare_class(uneven):
    def shown(data_set):
        cuts = [data_set.sample(n) for n in range(300)]
        counts = [np.count_nonzero(cut.indices == 7) for cut in cuts if cut.image.max() == 2]
        return np.mean([count >= 30 for count in counts]), len(counts)

    without = TrainingTiles(uneven, "sar", 32, scale=(1.0, 1.0), max_class_share=1.0, seed=2)
    share, number = shown(without)
    assert share < 0.7 and number == 75
    share, number = shown(rare(uneven, temperature=1e-6, max_class_share=1.0))
    assert share > 0.98 and number == 300


def test_a_rare_sample_does_not_depend_on_workers_order_or_what_was_skipped(uneven):
    alone = loaded(rare(uneven), 12, workers=0)
    assert len(set(alone)) > 4
    assert loaded(rare(uneven), 12, workers=2) == alone
    assert loaded(rare(uneven), 5, workers=0, skipped=7) == alone[7:]
    data_set = rare(uneven)
    assert [as_tuple(data_set[ordinal]) for ordinal in reversed(range(12))] == alone[::-1]
    assert as_tuple(rare(uneven, seed=3)[0]) != alone[0]


def test_without_rare_classes_no_label_is_read_before_its_tile(tmp_path, registered):
    write_raster(tmp_path / "a.tif", np.zeros((8, 8), np.uint8))
    tiles = [TrainingTile(tmp_path / "a.tif", tmp_path / "absent.tif")]
    assert len(TrainingTiles(tiles, "sar", 8, statistics=tmp_path / "statistics.json")) == 1
    assert not (tmp_path / "statistics.json").exists()
    with pytest.raises(InputError, match=r"absent\.tif: expected an image file, found none"):
        rare(tiles)


def test_class_counts_are_kept_where_told(uneven, tmp_path):
    kept = rare(uneven, statistics=tmp_path / "run" / "statistics.json")
    assert (tmp_path / "run" / "statistics.json").is_file()
    again = rare(uneven, statistics=tmp_path / "run" / "statistics.json")
    assert [as_tuple(again[n]) for n in range(4)] == [as_tuple(kept[n]) for n in range(4)]
    assert as_tuple(rare(uneven)[3]) == as_tuple(kept[3])


def test_rare_classes_need_labels_and_good_settings(uneven):
    with pytest.raises(InputError, match=r"rare_classes: expected labels for each of 4 training tiles, found them for"):
        rare([*uneven[:3], TrainingTile(uneven[3].image)])
    with pytest.raises(InputError, match=r"rare_classes\.temperature: expected a number above 0, found 0;"):
        rare(uneven, temperature=0)


def test_without_rare_classes_a_sample_is_a_crop_of_the_next_tile_of_the_epoch(uneven):
    data_set = TrainingTiles(uneven, "sar", 24, seed=7)
    for ordinal in (0, 3, 11):
        tile = uneven[shuffled_index(ordinal, 4, 7)]
        image = read_sar(tile.image).pixels
        indices = OPEN_EARTH_MAP.to_indices(read_labels(tile.labels, OPEN_EARTH_MAP))
        indices[Raster(image).no_data()] = 255
        expected = RandomScaleCrop(24)(Sample(image, indices), np.random.default_rng([7, ordinal]))
        np.testing.assert_array_equal(data_set.sample(ordinal).image, expected.image)
        np.testing.assert_array_equal(data_set.sample(ordinal).indices, expected.indices)
