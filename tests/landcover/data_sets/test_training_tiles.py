from itertools import islice

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.ordinal_sampler import OrdinalSampler
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.raster import read_labels, read_optical, write_raster

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
    assert (indices.shape, indices.dtype) == ((1, 32, 32), torch.int64)
    assert set(indices.unique().tolist()) <= {*range(8), 255}
    assert len(sar) == 4 and sar.metainfo["classes"] == OPEN_EARTH_MAP.classes


def test_a_crop_at_scale_1_is_cut_from_image_and_labels_alike(pairs):
    tiles = [TrainingTile(tile.optical, tile.labels) for tile in pairs[:1]]
    sample = TrainingTiles(tiles, "optical", 64, scale=(1.0, 1.0))[5]
    np.testing.assert_array_equal(sample["inputs"].numpy().transpose(1, 2, 0), read_optical(pairs[0].optical))
    expected = OPEN_EARTH_MAP.to_indices(read_labels(pairs[0].labels, OPEN_EARTH_MAP))
    np.testing.assert_array_equal(sample["data_samples"].gt_sem_seg.data[0].numpy(), expected)


def test_unlabelled_tiles_tell_image_from_padding(pairs):
    data_set = TrainingTiles([TrainingTile(tile.optical) for tile in pairs], "optical", 96, scale=(1.0, 1.0))
    indices = data_set[0]["data_samples"].gt_sem_seg.data[0]
    expected = torch.full((96, 96), 255)
    expected[:64, :64] = 0
    assert torch.equal(indices, expected)


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


def test_labels_of_another_size_are_refused_by_name(tmp_path):
    write_raster(tmp_path / "image.tif", np.zeros((8, 8), np.uint8))
    write_raster(tmp_path / "labels.tif", np.zeros((8, 7), np.uint8))
    data_set = TrainingTiles([TrainingTile(tmp_path / "image.tif", tmp_path / "labels.tif")], "sar", 8)
    with pytest.raises(InputError, match=r"labels\.tif: expected the size of .*image\.tif \(8, 8\), found \(8, 7\)"):
        data_set[0]


def test_no_tiles_are_refused():
    with pytest.raises(InputError, match=r"training set \(sar\): expected at least one tile, found none"):
        TrainingTiles([], "sar", 8)
