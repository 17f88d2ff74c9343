import numpy as np
import pytest
from scipy.ndimage import binary_dilation

from stage2_sar_seg.registration.gradients import optical_gradient, sar_gradient


def test_the_optical_gradient_is_that_of_the_colour_that_changes_most():
    image = np.full((3, 20, 20), 0.5, dtype=np.float32)
    image[0, 10:] = 1.5  # red changes along rows
    image[2, :, 6:] = -3.5  # blue, more, along columns
    gradient = optical_gradient(image, 1.0)
    assert gradient.shape == (2, 20, 20) and gradient.dtype == np.float32
    assert gradient[0, 10, 15] > 0.2 and abs(gradient[1, 10, 15]) < 1e-6
    assert gradient[1, 10, 6] < -0.8 and abs(gradient[0, 10, 6]) < 1e-6
    assert np.abs(gradient[:, 3, 15]).max() < 1e-6


def test_an_edge_of_equal_ratio_is_as_strong_in_bright_as_in_dark_ground():
    amplitude = np.full((40, 40), 2.0, dtype=np.float32)
    amplitude[:20] *= 10
    amplitude[:, 20:] *= 2
    amplitude[0, 0] = 0
    standing = (amplitude - amplitude.mean()) / amplitude.std()
    gradient = sar_gradient(standing.astype(np.float32), 1.0)
    bright, dark = gradient[1, 10, 20], gradient[1, 30, 20]
    assert bright > dark > 0.75 * bright > 0.1


@pytest.mark.parametrize("missing", [np.s_[:, 25:], np.s_[12:20, 12:20]])
def test_the_border_of_no_data_is_no_edge(missing):
    rng = np.random.default_rng(0)
    image = rng.normal(5, 1, (40, 40)).astype(np.float32)
    image[missing] = 0
    gap = np.zeros((40, 40), dtype=bool)
    gap[missing] = True
    for gradient in (sar_gradient(image, 1.5), optical_gradient(np.stack([image] * 3), 1.5)):
        assert (gradient[:, binary_dilation(gap, iterations=4)] == 0).all()
        assert np.abs(gradient[:, 5:10, 3:8]).sum(axis=0).min() > 0


def test_single_zeros_are_data():
    image = np.random.default_rng(0).normal(5, 1, (20, 20)).astype(np.float32)
    image[10, 10] = 0
    assert np.abs(sar_gradient(image, 1.0)[:, 9:12, 9:12]).max() > 0.1


def test_a_constant_image_has_no_gradient_and_inputs_stay():
    image = np.full((3, 12, 12), 0.7, dtype=np.float32)
    assert (optical_gradient(image, 1.0) == 0).all() and (sar_gradient(image[0], 1.0) == 0).all()
    assert (image == np.float32(0.7)).all()
