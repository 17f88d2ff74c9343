import numpy as np
import pytest

from landcover.data_sets.training_tiles import TrainingTile
from landcover.training.tracking import map_pictures as module
from landcover.training.tracking.map_pictures import shown, spread


@pytest.mark.parametrize(("total", "chosen"), [(1, [0]), (3, [0, 1, 2]), (10, [0, 3, 6]), (490, [0, 163, 326])])
def test_tiles_are_spread_over_all(tmp_path, total, chosen):
    tiles = [TrainingTile(tmp_path / f"{n}.tif") for n in range(total)]
    assert spread(tiles, 3) == [tiles[n] for n in chosen]


def test_a_picture_is_image_labels_and_map_beside_each_other(make_training, one_process, tmp_path, monkeypatch):
    labels = np.full((64, 64), 1, np.uint8)
    sar = np.arange(64 * 64, dtype=np.uint16).reshape(64, 64)
    monkeypatch.setattr(module, "map_tiles", lambda *arguments: iter([(sar, labels, labels * 6)]))
    ((name, picture),) = module.map_pictures(make_training(tmp_path, scored=True), None, one_process)
    assert name == "TrainArea_001" and picture.shape == (64, 200, 3)
    assert (picture[:, 64:68] == 255).all() and (picture[:, 132:136] == 255).all()
    assert (picture[:, 68:132] == (0x80, 0, 0)).all() and (picture[:, 136:] == (0, 0x45, 0xFF)).all()
    assert picture[63, 63].tolist() == [255, 255, 255] and (picture[:, :64, 0] == picture[:, :64, 2]).all()


def test_without_validation_tiles_there_are_no_pictures(make_training, one_process, tmp_path):
    assert list(module.map_pictures(make_training(tmp_path), None, one_process)) == []


def test_of_two_modalities_the_sar_image_is_shown_and_of_optical_ones_the_colours():
    optical = np.full((4, 4, 3), (10, 20, 30), np.uint8)
    sar = np.arange(1, 17, dtype=np.uint8).reshape(4, 4)
    both = shown({"optical": optical, "sar": sar}, "optical+sar")
    assert both[0, 0].tolist() == [1, 1, 1] and both[3, 3].tolist() == [255, 255, 255]
    assert (shown(optical, "optical") == optical).all()
