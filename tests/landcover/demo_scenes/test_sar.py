from dataclasses import replace

import numpy as np
import pytest

from landcover.demo_scenes.layout import CITY, lay_out
from landcover.demo_scenes.sar import draw_sensor, no_data_wedge, render_sar, speckle
from landcover.demo_scenes.scene import RANGELAND, ROAD, TREE, WATER
from landcover.images.no_data import Raster


@pytest.mark.parametrize("looks", [1, 3, 6])
def test_speckle_has_unit_mean_and_the_variance_of_its_looks(looks):
    field = speckle(np.random.default_rng(0), 400, 400, looks).astype(float)
    assert field.mean() == pytest.approx(1, abs=0.01)
    assert field.var() == pytest.approx(1 / looks, rel=0.04)
    third_moment = ((field - 1) ** 3).mean()
    assert third_moment == pytest.approx(2 / looks**2, rel=0.15)  # gamma distribution


def test_statistics_are_those_of_real_tiles():
    tiles = []
    for seed in range(8):
        rng = np.random.default_rng([4, seed])
        tiles.append(render_sar(lay_out(rng, 192, 192, CITY), draw_sensor(rng, False), rng))
    means, highs = [tile.mean() for tile in tiles], [np.percentile(tile, 99) for tile in tiles]
    assert min(means) > 30 and max(means) < 58
    assert 83 < np.median(highs) < 180
    assert max((tile == 0).mean() for tile in tiles) < 0.03
    assert not any(Raster(tile).no_data().any() for tile in tiles)


def test_water_and_asphalt_are_dark_and_trees_bright():
    amplitude: dict[int, list[float]] = {WATER: [], ROAD: [], RANGELAND: [], TREE: []}
    for seed in range(6):
        rng = np.random.default_rng([5, seed])
        scene = lay_out(rng, 192, 192, CITY)
        tile, labels = render_sar(scene, draw_sensor(rng, False), rng), scene.crop(scene.labels)
        for label, values in amplitude.items():
            values.extend(tile[labels == label].tolist())
    water, road, grass, tree = (float(np.median(values)) for values in amplitude.values())
    assert water < road < grass < tree


def test_the_shift_moves_the_image_right_and_down():
    scene = lay_out(np.random.default_rng(6), 96, 96, CITY)
    sensor = replace(draw_sensor(np.random.default_rng(0), False), looks=400, black_share=0.0)
    still = render_sar(scene, sensor, np.random.default_rng(1)).astype(float)
    moved = render_sar(scene, replace(sensor, shift=(2.0, 3.0)), np.random.default_rng(1)).astype(float)
    assert np.corrcoef(moved[2:, 3:].ravel(), still[:-2, :-3].ravel())[0, 1] > 0.97
    assert np.corrcoef(moved.ravel(), still.ravel())[0, 1] < 0.8


def test_misregistration_is_one_to_three_pixels():
    shifts = [np.hypot(*draw_sensor(np.random.default_rng(seed), True).shift) for seed in range(50)]
    assert 1 <= min(shifts) < 1.2 and 2.8 < max(shifts) <= 3
    assert draw_sensor(np.random.default_rng(0), False).shift == (0.0, 0.0)


def test_a_wedge_is_connected_and_touches_the_border():
    for seed in range(10):
        wedge = no_data_wedge(np.random.default_rng(seed), 128, 160)
        assert 0.03 < wedge.mean() < 0.23
        np.testing.assert_array_equal(Raster(np.where(wedge, 0, 9)).no_data(min_area=100), wedge)
