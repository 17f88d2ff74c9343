import numpy as np
import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.descriptor import DescriptorMatcher, orientation_channels


def test_channels_are_cosines_of_the_angle_whatever_the_sign():
    gradient = np.zeros((2, 1, 3), dtype=np.float32)
    gradient[:, 0, 0] = 0, 3  # along columns
    gradient[:, 0, 1] = 0, -3
    gradient[:, 0, 2] = 3, 0
    channels = orientation_channels(gradient, 2, smoothing=0.0, floor=0.0)
    np.testing.assert_allclose(channels[:, 0], [[1, 1, 0], [0, 0, 1]], atol=1e-6)


def test_every_pixel_has_at_most_length_1_and_weak_ones_less():
    gradient = np.random.default_rng(0).normal(size=(2, 12, 12)).astype(np.float32)
    gradient[:, :3] *= 0.01
    gradient[:, 3] = 0
    lengths = np.sqrt(np.square(orientation_channels(gradient, 6, 0.0, floor=1.0)).sum(axis=0))
    assert lengths.max() < 1 and lengths[:3].max() < 0.1 and (lengths[3] == 0).all()
    flat = orientation_channels(np.zeros_like(gradient), 6, 0.5, floor=1.0)
    assert (flat == 0).all()


def test_a_descriptor_does_not_know_which_side_is_brighter():
    rng = np.random.default_rng(0)
    gradient = rng.normal(size=(2, 9, 9)).astype(np.float32)
    expected = orientation_channels(gradient, 6, 0.8, 1.0)
    np.testing.assert_array_equal(orientation_channels(-gradient, 6, 0.8, 1.0), expected)


def test_settings_hold_every_argument():
    settings = {"patch": 64, "search": 5, "optical_scale": 1.5, "sar_scale": 2.0, "orientations": 4}
    settings |= {"smoothing": 0.0, "floor": 0.5}
    assert DescriptorMatcher(**settings).settings() == {"matcher": "descriptor", **settings}


@pytest.mark.parametrize(("patch", "search"), [(8, 4), (64, 0)])
def test_sizes_that_make_no_matcher_are_refused(patch, search):
    with pytest.raises(InputError, match=f"found {patch} and {search}"):
        DescriptorMatcher(patch=patch, search=search)


@pytest.mark.parametrize("wrong", [{"sar_scale": 0}, {"orientations": 1}, {"floor": -1}])
def test_numbers_that_make_no_descriptor_are_refused(wrong):
    with pytest.raises(InputError, match=rf"^descriptor: {next(iter(wrong))}: expected .* found "):
        DescriptorMatcher(**wrong)
