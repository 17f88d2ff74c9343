import numpy as np
import pytest

from landcover.demo_scenes.appearance import CELL, appearance
from landcover.demo_scenes.layout import SUBURB, lay_out
from landcover.demo_scenes.looks import SUMMER
from landcover.demo_scenes.optical import render_optical


@pytest.fixture(scope="module")
def seen():
    rng = np.random.default_rng(5)
    scene = lay_out(rng, 160, 192, SUBURB)
    image = render_optical(scene, SUMMER, rng)
    return scene, image, appearance(scene, image, rng)


def test_pieces_are_of_one_class_and_count_their_pixels(seen):
    scene, _, found = seen
    np.testing.assert_array_equal(found.labels[found.piece], scene.crop(scene.labels))
    np.testing.assert_array_equal(found.area, np.bincount(found.piece.ravel()))
    assert found.area.max() < (2 * CELL) ** 2  # large objects are cut


def test_features_have_no_mean_and_unit_deviation_over_the_image(seen):
    found = seen[2]
    weights = found.area / found.area.sum()
    mean = weights @ found.features
    np.testing.assert_allclose(mean, 0, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(weights @ (found.features - mean) ** 2), 1, rtol=1e-6)


def test_exposure_and_contrast_of_the_whole_image_do_not_change_brightness(seen):
    scene, image, found = seen
    darker = np.rint(image * 0.5).astype(np.uint8)
    again = appearance(scene, darker, np.random.default_rng(0))
    pixels, others = (tile.features[tile.piece][..., 0] for tile in (found, again))
    # pieces are cut elsewhere, so only most of a pixel's brightness is the same
    assert np.corrcoef(pixels.ravel(), others.ravel())[0, 1] > 0.97


def test_brightness_is_the_mean_over_a_piece(seen):
    _, image, found = seen
    grey = image.astype(np.float64).mean(2)
    means = np.array([grey[found.piece == number].mean() for number in range(found.area.size)])
    weights = found.area / found.area.sum()
    centred = means - weights @ means
    np.testing.assert_allclose(found.features[:, 0], centred / np.sqrt(weights @ centred**2), atol=1e-4)
