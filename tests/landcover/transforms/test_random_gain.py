import numpy as np
import pytest

from landcover.errors import InputError
from landcover.transforms.random_gain import RandomGain
from landcover.transforms.sample import Sample

IMAGE = np.array([[0, 10], [20, 40]], np.float32)
INDICES = np.array([[0, 1], [2, 255]], np.uint8)


def gain_in_decibels(seed, decibels):
    """The second number of the generator, after the one that decides whether."""
    rng = np.random.default_rng(seed)
    rng.random()
    return rng.uniform(-decibels, decibels)


@pytest.mark.parametrize("seed", range(4))
def test_one_gain_for_all_pixels_in_the_three_units(seed):
    gain = gain_in_decibels(seed, 3.0)
    results = {
        unit: RandomGain(3.0, 1.0, unit)(Sample(IMAGE), np.random.default_rng(seed)).image
        for unit in ("amplitude", "intensity", "decibel")
    }
    np.testing.assert_allclose(results["amplitude"], IMAGE * 10 ** (gain / 20), rtol=1e-6)
    np.testing.assert_allclose(results["intensity"], IMAGE * 10 ** (gain / 10), rtol=1e-6)
    np.testing.assert_allclose(results["decibel"], np.where(IMAGE == 0, 0, IMAGE + gain), rtol=1e-6)


def test_bands_keep_their_ratio():
    decibels = np.stack([IMAGE - 50, IMAGE - 57], axis=-1)
    result = RandomGain(3.0, 1.0, "decibel")(Sample(decibels), np.random.default_rng(0)).image
    np.testing.assert_allclose(result, decibels + np.float32(gain_in_decibels(0, 3.0)), rtol=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_integers_are_rounded_and_end_at_their_limit(dtype):
    limit = np.iinfo(dtype).max
    image = np.array([[0, 10, limit - 1]], dtype)
    for seed in range(6):
        result = RandomGain(3.0, 1.0)(Sample(image), np.random.default_rng(seed)).image
        factor = 10 ** (gain_in_decibels(seed, 3.0) / 20)
        assert result.dtype == dtype
        np.testing.assert_allclose(result, np.minimum(np.rint(image * factor), limit), rtol=1e-4, atol=0)


def test_gains_fill_the_range_evenly():
    transform, rng = RandomGain(6.0, 1.0, "decibel"), np.random.default_rng(0)
    gains = np.array([transform(Sample(IMAGE), rng).image[1, 1] - 40 for _ in range(1000)])
    assert -6 <= gains.min() < -5.9 and 5.9 < gains.max() <= 6
    assert abs(gains.mean()) < 5 * 6 / np.sqrt(3) / np.sqrt(1000)


def test_indices_and_input_stay_and_the_generator_alone_decides():
    sample = Sample(IMAGE.copy(), INDICES)
    first, again = (RandomGain(3.0, 1.0)(sample, np.random.default_rng(0)) for _ in range(2))
    np.testing.assert_array_equal(first.indices, INDICES)
    np.testing.assert_array_equal(sample.image, IMAGE)
    np.testing.assert_array_equal(first.image, again.image)
    assert RandomGain(3.0, 1.0)(Sample(IMAGE), np.random.default_rng(0)).indices is None


def test_the_given_share_of_samples_is_changed():
    sample, transform, rng = Sample(IMAGE), RandomGain(3.0, 0.3), np.random.default_rng(0)
    changed = sum(transform(sample, rng) is not sample for _ in range(400))
    assert 80 < changed < 160  # 120, standard deviation 9.2


@pytest.mark.usefixtures("registered")
def test_configs_build_it():
    from mmseg.registry import TRANSFORMS

    transform = TRANSFORMS.build({"type": "RandomGain", "decibels": 2.0, "probability": 0.5})
    assert isinstance(transform, RandomGain)


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="augmentation RandomGain: expected decibels of at least 0, found -1"):
        RandomGain(-1, 0.5)
    with pytest.raises(
        InputError, match="augmentation RandomGain: expected a probability of 0 to 1, found 2; correct it"
    ):
        RandomGain(1, 2)
    with pytest.raises(InputError, match="for uint16 SAR images, found 'decibel'"):
        RandomGain(1, 1.0, "decibel")(Sample(np.ones((2, 2), np.uint16)), np.random.default_rng(0))
