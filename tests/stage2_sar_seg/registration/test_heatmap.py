import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from stage2_sar_seg.registration.heatmap import find_peak


def bump(row, column, shape=(33, 41), width=2.0):
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / (2 * width**2))


@pytest.mark.parametrize(("row", "column"), [(12, 30), (12.3, 29.6), (20.45, 8.1)])
def test_the_peak_is_at_the_planted_place_between_pixels(row, column):
    peak = find_peak(bump(row, column))
    assert (peak.row, peak.column) == pytest.approx((row, column), abs=0.03)
    assert not peak.at_border


def test_a_parabola_is_met_exactly():
    rows, columns = np.ogrid[:15, :15]
    peak = find_peak(-((rows - 7.3) ** 2) - 2.0 * (columns - 5.8) ** 2)
    assert (peak.row, peak.column) == pytest.approx((7.3, 5.8), abs=1e-12)


def test_confidence_is_the_chance_that_noise_leads_by_less():
    rng = np.random.default_rng(0)
    noise = [gaussian_filter(rng.standard_normal((65, 65)), 1.2) for _ in range(400)]
    confidence = np.array([peak.confidence for peak in map(find_peak, noise) if not peak.at_border])
    for chance in (0.5, 0.9, 0.98):
        assert (confidence > chance).mean() == pytest.approx(1 - chance, rel=0.4)


def test_confidence_grows_with_the_lead_and_looks_outside_of_the_lobe():
    heatmap = np.random.default_rng(0).normal(0, 0.1, (31, 31)).clip(-0.2, 0.2)
    heatmap[8, 8], heatmap[25, 20] = 0.9, 0.85
    unsure = find_peak(heatmap).confidence
    heatmap[25, 20] = 0.5
    sure = find_peak(heatmap).confidence
    heatmap[8, 13] = 0.85  # within the lobe
    assert find_peak(heatmap).confidence == sure
    assert find_peak(heatmap, lobe=4).confidence < 0.9
    assert unsure < 0.9 and sure > 0.99
    heatmap[25, 20] = 0.9
    assert find_peak(heatmap).confidence == 0.0


def test_a_single_peak_on_plain_ground_is_sure():
    heatmap = np.full((31, 31), 0.1)
    heatmap[8, 8] = 0.11
    assert find_peak(heatmap).confidence == 1.0


def test_gain_and_offset_change_no_confidence():
    heatmap = bump(12.3, 29.6) + 0.4 * bump(25, 6)
    assert find_peak(7 * heatmap - 3).confidence == pytest.approx(find_peak(heatmap).confidence)


@pytest.mark.parametrize(("row", "column"), [(0, 20), (32, 20), (15, 0), (15, 40), (-3, 20)])
def test_a_peak_at_the_border_is_told_and_never_sure(row, column):
    peak = find_peak(bump(row, column))
    assert peak.at_border and peak.confidence == 0.0
    assert (peak.row, peak.column) == pytest.approx((max(0, row), column))


def test_a_plain_map_has_no_confidence_and_finite_numbers():
    for shape in ((9, 9), (1, 1), (1, 5)):
        peak = find_peak(np.zeros(shape, dtype=np.float32))
        assert (peak.row, peak.column, peak.confidence) == (0.0, 0.0, 0.0)


def test_a_map_no_larger_than_the_lobe_has_no_confidence():
    peak = find_peak(bump(4, 4, (9, 9)))
    assert (peak.row, peak.column, peak.confidence) == (4.0, 4.0, 0.0)


def test_a_plateau_is_left_at_its_first_pixel():
    heatmap = np.zeros((9, 9))
    heatmap[4, 3:6] = 1.0
    assert find_peak(heatmap).column == pytest.approx(3.5)
