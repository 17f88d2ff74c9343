import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from ensemble.average import average_labels
from ensemble.by_products import as_bytes, average_with_by_products, entropy, margin
from landcover.classes import OPEN_EARTH_MAP

NAMES = ("agreement", "entropy", "margin")


def by_hand(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Entropy / log 8 and margin of (8, H, W) positive float64 scores, normalised pixel by pixel."""
    uncertain, apart = np.zeros(scores.shape[1:]), np.zeros(scores.shape[1:])
    for row, column in np.ndindex(*uncertain.shape):
        p = scores[:, row, column] / scores[:, row, column].sum()
        uncertain[row, column] = -sum(q * math.log(q) for q in p if q > 0) / math.log(8)
        apart[row, column] = sorted(p)[-1] - sorted(p)[-2]
    return uncertain, apart


@pytest.mark.parametrize("average", ["logits", "probabilities"])
@pytest.mark.parametrize("factors", [None, [1, 2, 1, 0.5, 1, 1, 3, 1]])
def test_by_products_equal_brute_force(tmp_path, write_file, random_codes, average, factors) -> None:
    codes = [random_codes(seed, 9, 7) for seed in range(3)]
    encoding = "logit" if average == "logits" else "probability"
    paths = [write_file(tmp_path / str(m) / "t.tif", c, encoding, 10.0) for m, c in enumerate(codes)]
    weights = [1.0, 2.0, 0.5]
    labels, maps = average_with_by_products(paths, weights, average, OPEN_EARTH_MAP, NAMES, factors)
    np.testing.assert_array_equal(labels, average_labels(paths, weights, average, OPEN_EARTH_MAP, factors))
    mean = np.average(np.stack(codes).astype(float) / 255, axis=0, weights=weights)
    scores = np.exp(10 * (mean - 1)) if average == "logits" else mean
    scores *= np.ones(8)[:, None, None] if factors is None else np.array(factors)[:, None, None]
    uncertain, apart = by_hand(scores)
    tolerance = 1e-5 if factors is None else 0.01  # offsets of logits are whole units of the sum
    np.testing.assert_allclose(maps["entropy"], uncertain, atol=tolerance)
    np.testing.assert_allclose(maps["margin"], apart, atol=tolerance)
    votes = np.stack([c.argmax(axis=0) + 1 == labels for c in codes]).mean(axis=0)
    np.testing.assert_allclose(maps["agreement"], votes, rtol=1e-6)
    assert all(values.dtype == np.float32 for values in maps.values())


def test_only_what_is_wanted_is_made(tmp_path, write_file, random_codes) -> None:
    path = write_file(tmp_path / "a" / "t.tif", random_codes(0, 300, 4))
    maps = average_with_by_products([path], [1], "logits", OPEN_EARTH_MAP, ["margin"])[1]
    assert list(maps) == ["margin"]
    agreement = average_with_by_products([path], [1], "logits", OPEN_EARTH_MAP, ["agreement"])[1]["agreement"]
    assert (agreement == 1).all()  # an ensemble of one agrees with itself


def test_equal_scores_are_most_uncertain_even_where_all_are_zero(tmp_path, write_file) -> None:
    codes = np.zeros((8, 1, 2), np.uint8)
    codes[:, 0, 1] = 31
    path = write_file(tmp_path / "a" / "t.tif", codes, "probability")
    maps = average_with_by_products([path], [1], "probabilities", OPEN_EARTH_MAP, NAMES)[1]
    np.testing.assert_allclose(maps["entropy"], [[1, 1]], rtol=1e-6)
    np.testing.assert_array_equal(maps["margin"], [[0, 0]])


def test_a_certain_class_has_no_entropy_and_full_margin() -> None:
    certain = np.zeros((8, 1, 1), np.float32)
    certain[3] = 1
    assert (entropy(certain).item(), margin(certain).item()) == (0.0, 1.0)


@given(arrays(np.float32, (5, 2, 3), elements=st.floats(2**-10, 1, width=32)))
def test_by_products_stay_between_zero_and_one(scores) -> None:
    probabilities = scores / scores.sum(axis=0)
    for values in (entropy(probabilities), margin(probabilities)):
        assert ((values >= 0) & (values <= 1)).all()


def test_bytes_are_rounded() -> None:
    values = np.array([0, 1, 0.5 / 255 - 1e-4, 0.5 / 255 + 1e-4, 254.6 / 255], np.float32)
    assert as_bytes(values).tolist() == [0, 255, 0, 1, 255]
