from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.report.tiles import pick, prediction_panels, training_panels


def decode(image: str) -> np.ndarray:
    data = re.search(r"base64,([^\"]*)", image).group(1)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB"))


def test_pick_spreads_over_the_names():
    assert pick(list("abcdefgh"), 4) == ["b", "d", "f", "h"]
    assert pick(["a", "b"], 4) == ["a", "b"]
    assert pick([], 4) == []
    assert pick(["a"], 0) == []


def test_train_panels_stand_side_by_side_with_their_agreement(fake_run):
    tile = dfc2025_tiles(fake_run.data, "train")[0]
    path = fake_run.truth / "train" / "labels" / f"{tile.name}.tif"

    panels = training_panels(tile, fake_run.run / "pseudo_labels" / f"{tile.name}.tif", path, OPEN_EARTH_MAP)

    assert [panel.title for panel in panels] == ["optical", "SAR", "published labels", "pseudo-label", "truth"]
    assert panels[3].remark == "100.0 % correct"
    np.testing.assert_array_equal(decode(panels[3].image), decode(panels[4].image))


def test_train_panels_without_truth_have_no_score(fake_run):
    tile = dfc2025_tiles(fake_run.data, "train")[0]

    panels = training_panels(tile, None, None, OPEN_EARTH_MAP)

    assert [(panel.title, panel.remark) for panel in panels] == [("optical", ""), ("SAR", ""), ("published labels", "")]


def test_maps_have_the_colours_of_the_classes_and_black_no_data(fake_run, tmp_path):
    tile = dfc2025_tiles(fake_run.data, "test")[0]
    write_raster(tmp_path / "map.tif", np.array([[0, 6], [8, 4]], dtype=np.uint8))

    panel = prediction_panels(tile, tmp_path / "map.tif", None, [], OPEN_EARTH_MAP)[1]

    np.testing.assert_array_equal(
        decode(panel.image), [[[0, 0, 0], [0, 0x45, 0xFF]], [[0xDE, 0x1F, 0x07], [0xFF, 0xFF, 0xFF]]]
    )
    assert 'alt="Prediction of TestArea_001. Classes: road, water, building."' in panel.image


def test_disagreement_is_the_share_of_members_with_another_class(fake_run):
    tile = dfc2025_tiles(fake_run.data, "test")[0]
    scores = [fake_run.run / "scores" / "test" / name / f"{tile.name}.tif" for name in ("net_a", "net_b")]

    panels = prediction_panels(tile, fake_run.run / "submission" / f"{tile.name}.png", None, scores, OPEN_EARTH_MAP)

    assert [panel.title for panel in panels] == ["SAR", "prediction", "disagreement"]
    assert panels[2].remark == "50.0 % of votes differ"
    np.testing.assert_array_equal(np.unique(decode(panels[2].image)), [128])


def test_truth_of_another_size_is_told_in_one_line(fake_run, tmp_path):
    tile = dfc2025_tiles(fake_run.data, "test")[0]
    write_raster(tmp_path / "truth.tif", np.ones((3, 3), dtype=np.uint8))

    with pytest.raises(InputError, match=r"TestArea_001\.png: expected \(3, 3\) pixels"):
        prediction_panels(
            tile, fake_run.run / "submission" / "TestArea_001.png", tmp_path / "truth.tif", [], OPEN_EARTH_MAP
        )
