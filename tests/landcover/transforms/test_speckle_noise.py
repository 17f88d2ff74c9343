import numpy as np
import pytest

from landcover.errors import InputError
from landcover.sar.units import to_intensity
from landcover.transforms.sample import Sample
from landcover.transforms.speckle_noise import SpeckleNoise


def constant(value, dtype, side=256):
    indices = np.random.default_rng(7).integers(0, 8, (side, side), np.uint8)
    return Sample(np.full((side, side), value, dtype), indices)


def intensities(sample, unit):
    import torch

    return to_intensity(torch.from_numpy(sample.image), unit).double().numpy()


@pytest.mark.parametrize("looks", [1.0, 4.0])
@pytest.mark.parametrize(
    ("value", "dtype", "unit"),
    [
        (3000, np.uint16, "amplitude"),
        (7.0, np.float32, "amplitude"),
        (7.0, np.float32, "intensity"),
        (-12.0, np.float32, "decibel"),
    ],
)
def test_speckle_has_mean_one_and_variance_one_over_looks(value, dtype, unit, looks):
    sample = constant(value, dtype)
    result = SpeckleNoise((looks, looks), 1.0, unit)(sample, np.random.default_rng(0))
    assert result.image.dtype == dtype
    speckle = intensities(result, unit) / intensities(sample, unit)
    # 65,536 draws of variance 1/L: the mean deviates by sqrt(1/L)/256, the variance by sqrt(2/L^2 + 6/L^3)/256
    assert abs(speckle.mean() - 1) < 5 * np.sqrt(1 / looks) / 256
    assert abs(speckle.var() - 1 / looks) < 5 * np.sqrt(2 / looks**2 + 6 / looks**3) / 256


def test_the_three_units_get_the_same_speckle():
    amplitude = constant(10.0, np.float32, 32)
    samples = {
        "amplitude": amplitude,
        "intensity": Sample(amplitude.image**2),
        "decibel": Sample(20 * np.log10(amplitude.image)),
    }
    results = [
        intensities(SpeckleNoise((1.0, 8.0), 1.0, unit)(sample, np.random.default_rng(3)), unit)
        for unit, sample in samples.items()
    ]
    np.testing.assert_allclose(results[1], results[0], rtol=1e-5)
    np.testing.assert_allclose(results[2], results[0], rtol=1e-5)
    rounded = SpeckleNoise((1.0, 8.0), 1.0)(constant(10, np.uint8, 32), np.random.default_rng(3))
    np.testing.assert_allclose(rounded.image, np.sqrt(results[0]), atol=0.5 + 1e-4)


def test_bands_get_speckle_of_their_own():
    image = np.full((128, 128, 2), 7.0, np.float32)
    speckle = SpeckleNoise((4.0, 4.0), 1.0, "intensity")(Sample(image), np.random.default_rng(0)).image / image
    first, second = speckle[..., 0], speckle[..., 1]
    assert abs(np.corrcoef(first.ravel(), second.ravel())[0, 1]) < 5 / 128
    assert first.var() == pytest.approx(0.25, rel=0.1) and second.var() == pytest.approx(0.25, rel=0.1)


def test_integers_end_at_their_limit_and_zeros_stay():
    image = np.tile(np.array([[0, 250]], np.uint8), (32, 16))
    result = SpeckleNoise((1.0, 1.0), 1.0)(Sample(image), np.random.default_rng(0)).image
    assert (result[:, ::2] == 0).all()
    # P(speckle > 1.04) of one look: exp(-1.04) = 0.35 of 512 pixels, standard deviation 11
    assert 125 < np.count_nonzero(result == 255) < 235
    decibels = Sample(np.zeros((8, 8), np.float32))
    assert not SpeckleNoise((1.0, 1.0), 1.0, "decibel")(decibels, np.random.default_rng(0)).image.any()


def test_looks_are_drawn_for_every_sample():
    transform, rng = SpeckleNoise((1.0, 20.0), 1.0, "intensity"), np.random.default_rng(0)
    variances = [transform(constant(1.0, np.float32, 64), rng).image.var() for _ in range(20)]
    assert min(variances) < 0.08 and max(variances) > 0.2


def test_indices_and_input_stay_and_the_generator_alone_decides():
    sample = constant(90, np.uint8, 64)
    before = sample.image.copy()
    first, again, other = (SpeckleNoise((4.0, 4.0), 1.0)(sample, np.random.default_rng(seed)) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.indices, sample.indices)
    np.testing.assert_array_equal(sample.image, before)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != other.image).any()
    assert SpeckleNoise((4.0, 4.0), 1.0)(Sample(before), np.random.default_rng(0)).indices is None


def test_the_given_share_of_samples_is_changed():
    sample, transform, rng = constant(90, np.uint8, 8), SpeckleNoise((4.0, 4.0), 0.3), np.random.default_rng(0)
    changed = sum((transform(sample, rng).image != sample.image).any() for _ in range(400))
    assert 80 < changed < 160  # 120, standard deviation 9.2
    assert SpeckleNoise((4.0, 4.0), 0.0)(sample, rng) is sample


@pytest.mark.usefixtures("registered")
def test_configs_build_it():
    from mmseg.registry import TRANSFORMS

    transform = TRANSFORMS.build({"type": "SpeckleNoise", "looks": [2, 8], "probability": 0.5})
    assert isinstance(transform, SpeckleNoise)


@pytest.mark.parametrize("looks", [(0, 4), (4, 2), (4,)])
def test_wrong_settings_are_refused(looks):
    with pytest.raises(InputError, match=r"augmentation SpeckleNoise: expected looks \(low, high\) above 0, found"):
        SpeckleNoise(looks, 0.5)
    with pytest.raises(InputError, match=r"SpeckleNoise: expected a probability of 0 to 1, found 1\.5; correct it"):
        SpeckleNoise((1, 4), 1.5)


def test_integers_can_not_be_decibels():
    with pytest.raises(InputError, match="for uint8 SAR images, found 'decibel'"):
        SpeckleNoise((1, 4), 1.0, "decibel")(constant(9, np.uint8, 8), np.random.default_rng(0))
