import numpy as np
import pytest

from landcover.demo_scenes.layout import CITY, COUNTRYSIDE, MARGIN, SUBURB, lay_out
from landcover.demo_scenes.scene import AGRICULTURE, BARELAND, BUILDING, ROAD, TREE


@pytest.fixture(scope="module")
def scenes():
    styles = [COUNTRYSIDE, SUBURB, CITY] * 4
    return [lay_out(np.random.default_rng([9, i]), 160, 176, style) for i, style in enumerate(styles)]


def test_maps_have_the_tile_size_plus_the_margin(scenes):
    for scene in scenes:
        assert scene.ids.shape == scene.heights.shape == (160 + 2 * MARGIN, 176 + 2 * MARGIN)
        assert scene.crop(scene.labels).shape == (160, 176)


def test_every_class_has_a_reasonable_share(scenes):
    shares = np.mean([np.bincount(s.crop(s.labels).ravel(), minlength=9) / (160 * 176) for s in scenes], axis=0)
    assert shares[0] == 0
    assert 0.01 < shares[BARELAND] < 0.1
    assert (shares[2:] > 0.03).all()
    assert shares.max() < 0.35


def test_countryside_grows_more_crops_and_city_has_more_houses(scenes):
    def share(place: int, label: int) -> float:
        return float(np.mean([(s.labels == label).mean() for s in scenes[place::3]]))

    assert share(0, AGRICULTURE) > share(2, AGRICULTURE)
    assert share(2, BUILDING) > share(0, BUILDING)


def test_only_roofs_and_crowns_stand_up(scenes):
    for scene in scenes:
        assert set(np.unique(scene.labels[scene.heights > 0])) <= {BUILDING, TREE}
        assert (scene.heights[scene.labels == BUILDING] >= 2).all()
        assert scene.heights.max() <= 10
        assert (scene.labels[scene.markings] == ROAD).all()


def test_the_generator_decides_the_scene():
    first, again, other = (lay_out(np.random.default_rng(seed), 64, 64, CITY) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.ids, again.ids)
    assert (first.labels != other.labels).any()
