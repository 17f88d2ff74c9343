import numpy as np
import pytest

from landcover.demo_scenes.layout import SUBURB, lay_out
from landcover.demo_scenes.looks import LATE_AUTUMN, SUMMER
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.scene import AGRICULTURE, BARELAND, TREE


@pytest.fixture(scope="module")
def scene():
    return lay_out(np.random.default_rng(3), 160, 160, SUBURB)


def test_the_image_is_rgb_of_the_tile_and_repeatable(scene):
    first = render_optical(scene, SUMMER, np.random.default_rng(0))
    assert first.shape == (160, 160, 3) and first.dtype == np.uint8
    np.testing.assert_array_equal(first, render_optical(scene, SUMMER, np.random.default_rng(0)))


def test_the_target_look_is_coarser_and_less_green(scene):
    source = render_optical(scene, SUMMER, np.random.default_rng(0)).astype(float)
    target = render_optical(scene, LATE_AUTUMN, np.random.default_rng(0)).astype(float)
    trees = scene.crop(scene.labels) == TREE

    def detail(image: np.ndarray) -> float:
        grey = image.mean(2)
        return float((np.diff(grey, 2) ** 2).mean() / grey.var())

    def green(image: np.ndarray) -> float:
        red, middle, blue = image[trees].mean(0)
        return float(middle - (red + blue) / 2)

    assert detail(target) < 0.5 * detail(source)
    assert green(source) > 15 > green(target)


def test_materials_of_some_classes_overlap_but_not_all():
    for look in (SUMMER, LATE_AUTUMN):
        crops, soil, trees = (np.array(look.materials[label]) for label in (AGRICULTURE, BARELAND, TREE))
        assert np.abs(crops[:, None] - soil[None]).max(-1).min() < 20
        assert np.abs(trees[:, None] - soil[None]).max(-1).min() > 20
