import hashlib

import numpy as np
import pytest

from landcover.transforms.random_gain import RandomGain
from landcover.transforms.random_intensity import RandomIntensity
from landcover.transforms.sample import Sample
from landcover.transforms.speckle_noise import SpeckleNoise

IMAGE = np.array([[0, 10], [20, 200]], np.uint16)
GAIN, SPECKLE = RandomGain(3.0, 0.6), SpeckleNoise((2.0, 8.0), 0.6)


@pytest.mark.parametrize(
    ("seed", "gained", "speckled"),
    [
        (0, [[0, 10], [20, 200]], [[0, 10], [20, 200]]),  # not drawn
        (1, [[0, 14], [27, 273]], [[0, 7], [21, 233]]),
        (2, [[0, 9], [17, 174]], [[0, 6], [23, 251]]),
        (3, [[0, 8], [17, 167]], [[0, 8], [19, 182]]),
    ],
)
def test_a_seed_gives_the_same_sample_for_ever(seed: int, gained: list[list[int]], speckled: list[list[int]]) -> None:
    for transform, expected in ((GAIN, gained), (SPECKLE, speckled)):
        result = transform(Sample(IMAGE), np.random.default_rng(seed)).image
        np.testing.assert_array_equal(result, np.array(expected, np.uint16), strict=True)


@pytest.mark.parametrize(
    ("transform", "digest", "following"),
    [
        (RandomGain(3.0, 0.75), "4deeea2fa112563d", 213333266954),
        (SpeckleNoise((2.0, 8.0), 0.75), "73f040a724429c7f", 142413065050),
    ],
)
def test_many_samples_of_one_generator_stay_the_same(transform: RandomIntensity, digest: str, following: int) -> None:
    rng, image = np.random.default_rng(5), (np.arange(24).reshape(4, 6) * 10).astype(np.uint8)
    results = [transform(Sample(image), rng).image.tobytes() for _ in range(40)]
    assert hashlib.sha256(b"".join(results)).hexdigest()[:16] == digest
    assert rng.integers(2**40) == following  # no draw more, none less
