import numpy as np
import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.heatmap import find_peak
from stage2_sar_seg.registration.phase import PhaseMatcher


def test_a_part_of_an_image_is_found_at_its_place_whatever_the_sign():
    rng = np.random.default_rng(0)
    image = np.kron(rng.normal(size=(13, 11)), np.ones((8, 8))).astype(np.float32)
    matcher = PhaseMatcher(patch=64, search=12)
    for sign in (1, -1):
        heatmap = matcher.heatmap(image[17:81, 5:69], np.stack([sign * image] * 3))
        assert heatmap.shape == (41, 25) and heatmap.dtype == np.float32
        peak = find_peak(heatmap)
        assert (peak.row, peak.column) == pytest.approx((17, 5), abs=0.3) and peak.confidence > 0.99


def test_a_constant_patch_or_window_gives_finite_numbers():
    image = np.random.default_rng(0).normal(size=(3, 60, 60)).astype(np.float32)
    flat = np.zeros_like(image)
    for sar, optical in ((flat[0, :40, :40], image), (image[0, :40, :40], flat)):
        assert (PhaseMatcher().heatmap(sar, optical) == 0).all()


def test_settings_hold_every_argument():
    settings = {"patch": 64, "search": 5, "optical_scale": 1.5, "sar_scale": 2.0, "smoothing": 1.0}
    assert PhaseMatcher(**settings).settings() == {"matcher": "phase", **settings}


@pytest.mark.parametrize("wrong", [{"optical_scale": 0}, {"smoothing": -1}])
def test_numbers_that_make_no_phase_are_refused(wrong):
    with pytest.raises(InputError, match=rf"^phase: {next(iter(wrong))}: expected .* found "):
        PhaseMatcher(**wrong)
