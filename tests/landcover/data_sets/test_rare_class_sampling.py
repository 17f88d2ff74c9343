import math

import numpy as np
import pytest

from landcover.data_sets.rare_class_sampling import RareClassSampling, RareClassSettings
from landcover.errors import InputError

COUNTS = np.array(
    [
        [600, 300, 0, 0],
        [500, 40, 60, 0],
        [900, 0, 10, 0],
        [0, 0, 0, 0],
        [200, 350, 40, 0],
    ]
)


def sampling(temperature, min_pixels, counts=COUNTS):
    return RareClassSampling(counts, RareClassSettings(temperature, min_pixels))


@pytest.mark.parametrize("temperature", [0.01, 0.1, 1.0, 20.0])
def test_probabilities_are_the_papers_softmax_over_classes_that_occur(temperature):
    shares = [2200 / 3000, 690 / 3000, 110 / 3000]
    weights = [math.exp((1 - share) / temperature) for share in shares]
    expected = [weight / sum(weights) for weight in weights]
    np.testing.assert_allclose(sampling(temperature, 1).probabilities, [*expected, 0.0], rtol=1e-12)


def test_any_temperature_gives_probabilities():
    np.testing.assert_array_equal(sampling(1e-300, 1).probabilities, [0, 0, 1, 0])
    np.testing.assert_allclose(sampling(1e300, 1).probabilities, [1 / 3, 1 / 3, 1 / 3, 0])
    even = np.array([[5, 0], [0, 5]])
    np.testing.assert_array_equal(sampling(1e-300, 1, even).probabilities, [0.5, 0.5])


def test_classes_and_tiles_are_drawn_as_often_as_they_should():
    drawn = sampling(0.5, 50)
    rng = np.random.default_rng(0)
    number = 20000
    tables = np.zeros((5, 4))
    for _ in range(number):
        tables[drawn.draw(rng)] += 1
    # at least 50 pixels: class 0 in tiles 0, 1, 2, 4; class 1 in 0 and 4; class 2 in 1 alone
    shares = np.array([[1 / 4, 1 / 2, 0, 0], [1 / 4, 0, 1, 0], [1 / 4, 0, 0, 0], [0, 0, 0, 0], [1 / 4, 1 / 2, 0, 0]])
    expected = shares * drawn.probabilities
    assert (tables[expected == 0] == 0).all()
    deviation = np.sqrt(expected * (1 - expected) / number)
    assert (np.abs(tables / number - expected) <= 4 * deviation).all()


def test_a_class_without_enough_pixels_anywhere_is_drawn_from_tiles_that_have_any():
    drawn = sampling(1e-9, 61)
    rng = np.random.default_rng(0)
    assert {drawn.draw(rng) for _ in range(200)} == {(1, 2), (2, 2), (4, 2)}


def test_only_void_is_refused():
    with pytest.raises(InputError, match=r"rare_classes: expected labelled pixels in the 3 training tiles, found only"):
        sampling(0.01, 1, np.zeros((3, 8), np.int64))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"temperature": 0, "min_pixels": 3}, r"rare_classes\.temperature: expected a number above 0, found 0;"),
        ({"temperature": -0.1, "min_pixels": 3}, r"rare_classes\.temperature: .* found -0\.1;"),
        ({"temperature": math.nan, "min_pixels": 3}, r"rare_classes\.temperature: .* found nan;"),
        ({"temperature": math.inf, "min_pixels": 3}, r"rare_classes\.temperature: .* found inf;"),
        ({"temperature": "0.1", "min_pixels": 3}, r"rare_classes\.temperature: .* found '0\.1';"),
        ({"temperature": True, "min_pixels": 3}, r"rare_classes\.temperature: .* found True;"),
        ({"temperature": 0.1, "min_pixels": 0}, r"rare_classes\.min_pixels: expected a whole number .* found 0;"),
        ({"temperature": 0.1, "min_pixels": 2.5}, r"rare_classes\.min_pixels: .* found 2\.5;"),
        ({"temperature": 0.1, "min_pixels": True}, r"rare_classes\.min_pixels: .* found True;"),
        ({"temperature": 0.1}, r"rare_classes: expected None or a dict with keys temperature and min_pixels, found"),
        ({"temperature": 0.1, "min_pixels": 3, "min": 1}, r"rare_classes: .*found \{.*'min': 1\}"),
        ({"temprature": 0.1, "min_pixels": 3}, r"rare_classes: .*found \{'temprature'"),
        ("{'temperature'", r"rare_classes: .*found \"\{'temperature'\""),
        (True, r"rare_classes: .*found True;"),
    ],
)
def test_bad_settings_are_refused_by_name(settings, message):
    with pytest.raises(InputError, match=message):
        RareClassSettings.from_config(settings)


def test_good_settings_are_taken():
    settings = {"temperature": 1, "min_pixels": 200}
    assert RareClassSettings.from_config(settings) == RareClassSettings(1, 200)
