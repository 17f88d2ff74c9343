import numpy as np
import pytest

from stage2_sar_seg.registration.area_matcher import AreaMatcher


class Bump(AreaMatcher):
    """Similarity with its peak at row 7.25, column 3."""

    def settings(self):
        return {}

    def heatmap(self, sar, optical):
        rows, columns = np.ogrid[: optical.shape[1] - sar.shape[0] + 1, : optical.shape[2] - sar.shape[1] + 1]
        return (-((rows - 7.25) ** 2) - (columns - 3.0) ** 2).astype(np.float32)


def test_the_correspondence_is_the_centre_of_the_patch_at_the_peak():
    found = Bump(32, 10).match(np.zeros((32, 41), np.float32), np.zeros((3, 52, 61), np.float32))
    np.testing.assert_allclose(found.sar, [[15.5, 20.0]])
    np.testing.assert_allclose(found.optical, [[22.75, 23.0]], atol=1e-4)
    assert 0 < found.confidence[0] <= 1


def test_a_peak_at_the_border_of_the_window_has_no_confidence():
    found = Bump(32, 3).match(np.zeros((32, 32), np.float32), np.zeros((3, 38, 38), np.float32))
    np.testing.assert_allclose(found.optical - found.sar, [[6.0, 3.0]], atol=1e-4)
    assert found.confidence[0] == 0


@pytest.mark.parametrize("name", ["descriptor", "phase"])
def test_matchers_give_a_heatmap_for_every_offset_and_sides_that_are_no_powers_of_two(name, built):
    rng = np.random.default_rng(0)
    optical = rng.normal(size=(3, 87, 71)).astype(np.float32)
    heatmap = built(name).heatmap(optical[0, 5:72, 9:50], optical)
    assert heatmap.shape == (21, 31) and heatmap.dtype == np.float32
    assert np.unravel_index(heatmap.argmax(), heatmap.shape) == (5, 9)


@pytest.fixture
def built():
    import torch

    from stage2_sar_seg.registration.build import build_matcher

    return lambda name: build_matcher(name, torch.device("cpu"))
