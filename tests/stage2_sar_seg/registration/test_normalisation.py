import numpy as np
import pytest

from stage2_sar_seg.registration.normalisation import normalized

PIXELS = np.array([[1, 3, 99], [5, 7, 99]], dtype=np.uint8)
GAP = PIXELS == 99


def test_values_have_mean_0_and_deviation_1_where_there_is_data():
    result = normalized(PIXELS, GAP)
    deviation = np.sqrt(5)
    expected = np.array([[[-3, -1, 0], [1, 3, 0]]]) / deviation
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    assert result.dtype == np.float32


def test_every_band_is_normalised_by_itself_and_a_constant_one_is_0():
    image = np.stack([PIXELS, 1000 - 10.0 * PIXELS, np.full((2, 3), 3.3)], axis=-1)
    result = normalized(image, GAP)
    assert result.shape == (3, 2, 3)
    np.testing.assert_allclose(result[1], -result[0], atol=1e-6)
    assert (result[2] == 0).all()


def test_percentiles_take_what_single_bright_targets_add():
    rng = np.random.default_rng(0)
    image = rng.normal(50, 10, (100, 100)).astype(np.float32)
    gap = np.zeros(image.shape, dtype=bool)
    before = normalized(image, gap, "percentiles")
    image[3, :50] = 30_000
    assert normalized(image, gap)[0, 50:].std() < 0.01
    after = normalized(image, gap, "percentiles")
    assert after.std() == pytest.approx(1, abs=1e-4) and abs(after.mean()) < 1e-4
    np.testing.assert_allclose(after[0, 50:], before[0, 50:], atol=0.2)


@pytest.mark.parametrize("method", ["z-score", "percentiles"])
@pytest.mark.parametrize("value", [0.1, 77, 3e4])
def test_an_image_of_one_value_is_none(value, method):
    assert normalized(np.full((50, 50), value), np.zeros((50, 50), dtype=bool), method) is None
    gap = np.zeros((50, 50), dtype=bool)
    gap[0] = True
    image = np.full((50, 50, 3), value)
    image[0] = 0
    assert normalized(image, gap, method) is None
