import numpy as np
import pytest
from scipy import ndimage

from landcover.demo_scenes.noise import random_cells, smooth_noise


@pytest.mark.parametrize(("scale", "octaves"), [(1, 1), (7.5, 1), (40, 3)])
def test_noise_has_zero_mean_and_unit_deviation(scale, octaves):
    field = smooth_noise(np.random.default_rng(0), 50, 70, scale, octaves)
    assert field.shape == (50, 70) and field.dtype == np.float32
    assert field.mean() == pytest.approx(0, abs=1e-4)
    assert field.std() == pytest.approx(1, abs=1e-4)


def test_a_larger_scale_is_smoother():
    steps = [np.abs(np.diff(smooth_noise(np.random.default_rng(1), 64, 64, scale))).mean() for scale in (2, 8, 32)]
    assert steps[0] > 2 * steps[1] > 4 * steps[2]


def test_cells_are_few_numbered_and_coherent():
    cells = random_cells(np.random.default_rng(2), 90, 90, 30)
    assert cells.min() == 0 and cells.max() < 60
    neighbours_agree = (cells[:, 1:] == cells[:, :-1]).mean()
    assert neighbours_agree > 0.9
    largest = np.bincount(cells.ravel()).argmax()
    assert ndimage.label(cells == largest)[1] <= 3
