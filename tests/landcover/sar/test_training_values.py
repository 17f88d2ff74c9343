import json
from dataclasses import asdict

import numpy as np
import pytest

from landcover.sar.training_values import TrainingValues

AMPLITUDES = TrainingValues((), "uint8", ((3.125, 57.0, 190.0),))
DECIBELS = TrainingValues(("VV", "VH"), "float32", ((-22.0, -11.0, -2.0), (-30.0, -18.0, -9.0)))


def test_they_are_percentiles_of_every_band():
    sample = np.stack([np.arange(101), 1000 - np.arange(101)]).astype(np.uint16)
    expected = TrainingValues((1, 2), "uint16", ((1.0, 50.0, 99.0), (901.0, 950.0, 999.0)))
    assert TrainingValues.of(sample, (1, 2)) == expected


@pytest.mark.parametrize("values", [AMPLITUDES, DECIBELS])
def test_they_survive_json(values):
    assert TrainingValues.of_json(json.loads(json.dumps(asdict(values)))) == values


def test_an_image_like_the_training_images_is_nothing_to_tell_of():
    assert AMPLITUDES.differences(np.full(1000, 3.5, np.float32).astype(np.uint8) + np.uint8(1), "amplitude", "m") == ""
    assert AMPLITUDES.differences(np.full(1000, 190, np.uint8), "amplitude", "m") == ""
    both = np.stack([np.full(50, -20.0), np.full(50, -20.0)], axis=1).astype(np.float32)
    assert DECIBELS.differences(both, "decibel", "m") == ""


@pytest.mark.parametrize(
    ("value", "dtype", "expected"),
    [
        (
            7200,
            np.uint16,
            "uint16, the training images of m are uint8; median 7200, the training images of m have 3.12 to 190 "
            "(1 % to 99 %), median 57: 126 times that",
        ),
        (
            0.125,
            np.float32,
            "float32, the training images of m are uint8; median 0.125, the training images of m have 3.12 to 190 "
            "(1 % to 99 %), median 57: 1/456 of that",
        ),
        (
            2,
            np.uint8,
            "median 2, the training images of m have 3.12 to 190 (1 % to 99 %), median 57: 1/28.5 of that",
        ),
        (57, np.uint16, "uint16, the training images of m are uint8"),
    ],
)
def test_types_and_medians_of_others_are_told_with_their_distance(value, dtype, expected):
    assert AMPLITUDES.differences(np.full(1000, value, dtype), "amplitude", "m") == expected


def test_decibels_differ_by_a_difference_and_bands_are_named():
    both = np.stack([np.full(50, -11.0), np.full(50, -3.5)], axis=1).astype(np.float32)
    expected = "band VH: median -3.5, the training images of m have -30 to -9 (1 % to 99 %), median -18: 14.5 dB above"
    assert DECIBELS.differences(both, "decibel", "m") == f"{expected} that"
    unnamed = TrainingValues((), "float32", DECIBELS.percentiles)
    assert unnamed.differences(both[:, ::-1] - 24, "decibel", "m").startswith("band 1: median -27.5, the training")


def test_the_median_is_that_of_pixels_all_over_the_image():
    rows = np.repeat(np.arange(1024, dtype=np.uint16), 1024)
    low = TrainingValues((), "uint16", ((0.0, 1.0, 500.0),))
    high = TrainingValues((), "uint16", ((524.0, 600.0, 700.0),))
    for values in (low, high):
        assert "median 51" in values.differences(rows, "intensity", "m")


@pytest.mark.parametrize("middle", [0.0, -1.0])
def test_a_median_of_zero_gives_no_factor(middle):
    values = TrainingValues((), "float32", ((-2.0, middle, 1.0),))
    told = values.differences(np.full(9, 5.0, np.float32), "amplitude", "m")
    assert told.endswith(f"{5 - middle:g} above that")


def test_an_image_without_data_is_like_any():
    assert AMPLITUDES.differences(np.zeros(0, np.uint8), "amplitude", "m") == ""
    assert DECIBELS.differences(np.zeros((0, 2), np.float32), "decibel", "m") == ""
