import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensemble.weights import LARGEST_WEIGHT, integer_weights, tile_weights
from landcover.errors import InputError

WEIGHT = st.integers(1, 40).map(lambda tenths: tenths / 10)


@pytest.mark.parametrize(
    ("weights", "expected"),
    [
        ([1.0], [1]),
        ([2.5, 2.5], [1, 1]),
        ([0.1, 0.3], [1, 3]),
        ([1, 0.25, 2], [4, 1, 8]),
        ([1 / 3, 2 / 3], [1, 2]),
        ([1.0, 1e-5], [LARGEST_WEIGHT, 1]),
        ([65536.0, 1.0], [65536, 1]),
    ],
)
def test_weights_become_integers_of_the_same_ratio(weights, expected) -> None:
    assert integer_weights(weights) == expected


@pytest.mark.parametrize("weights", [[1.0, 1e-6], [1.0, 0.0], [1.0, -1.0], [1.0, math.nan], [math.inf]])
def test_weights_without_an_integer_ratio_are_refused(weights) -> None:
    with pytest.raises(InputError, match="expected member weights"):
        integer_weights(weights)


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_members_alone_get_the_same_factor_in_every_class_and_no_offset(average) -> None:
    weights = tile_weights([0.5, 1.5], 3, average)
    assert weights.factors.tolist() == [[1, 1, 1], [3, 3, 3]]
    assert weights.offsets.tolist() == [0, 0, 0]
    assert (weights.total, weights.largest_sum, weights.dtype) == (4, 1020, np.uint16)


def test_a_class_weight_multiplies_the_factors_of_probabilities() -> None:
    weights = tile_weights([1, 2], 3, "probabilities", [1, 0.5, 2])
    assert weights.factors.tolist() == [[2, 1, 4], [4, 2, 8]]
    assert weights.offsets.tolist() == [0, 0, 0]


def test_a_class_weight_is_an_offset_of_logits_in_units_of_the_sum() -> None:
    weights = tile_weights([1, 2], 3, "logits", [1, math.e, 0.5], log_range=10.0)
    assert weights.factors.tolist() == [[1] * 3, [2] * 3]
    # a unit of the sum is 10 / 255 / 3 in log-probability; offsets are moved to begin at 0
    unit = 10 / 255 / 3
    assert weights.offsets.tolist() == [round(math.log(2) / unit), round((1 + math.log(2)) / unit), 0]


def test_weights_per_class_are_shares_of_the_mean_of_that_class() -> None:
    """Twice the weight for all members of a class is no vote for that class."""
    weights = tile_weights([[1, 2], [1, 6]], 2, "probabilities")
    assert weights.factors.tolist() == [[2, 1], [2, 3]]
    assert tile_weights([[1, 2], [1, 2]], 2, "logits").factors.tolist() == [[1, 1], [1, 1]]


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(2, 5), st.booleans())
def test_sums_of_probabilities_rank_classes_as_exact_fractions_do(data, members, classes, per_class) -> None:
    draw = lambda strategy, count: data.draw(st.lists(strategy, min_size=count, max_size=count))  # noqa: E731
    table = (
        [draw(WEIGHT, classes) for _ in range(members)] if per_class else [[w] * classes for w in draw(WEIGHT, members)]
    )
    factors = draw(WEIGHT, classes)
    codes = np.array([draw(st.integers(0, 255), classes) for _ in range(members)])
    weights = tile_weights(table if per_class else [row[0] for row in table], classes, "probabilities", factors)
    exact = []
    for k in range(classes):
        shares = [Fraction(repr(row[k])) for row in table]
        mean = sum(share * int(code) for share, code in zip(shares, codes[:, k], strict=True)) / sum(shares)
        exact.append(mean * Fraction(repr(factors[k])))
    sums = (weights.factors * codes).sum(axis=0) + weights.offsets
    assert sums.max() <= weights.largest_sum
    # where the common denominator exceeds 2**16, factors are rounded to 1/131072 of the largest
    slack = 255 * members * max(factors) / 2**17 * 2
    assert max(exact) - exact[int(sums.argmax())] <= slack


@settings(max_examples=60, deadline=None)
@given(st.data(), st.integers(1, 4), st.integers(2, 5))
def test_sums_of_logits_with_class_weights_rank_classes_as_float64_does(data, members, classes) -> None:
    draw = lambda strategy, count: data.draw(st.lists(strategy, min_size=count, max_size=count))  # noqa: E731
    own, factors = draw(WEIGHT, members), draw(WEIGHT, classes)
    codes = np.array([draw(st.integers(0, 255), classes) for _ in range(members)])
    weights = tile_weights(own, classes, "logits", factors, log_range=8.0)
    mean = np.average(8.0 * (codes / 255 - 1), axis=0, weights=own) + np.log(factors)
    chosen = ((weights.factors * codes).sum(axis=0) + weights.offsets).argmax()
    assert mean.max() - mean[chosen] <= 8.0 / (255 * weights.total) + 1e-9  # half a unit for each of two classes


def test_class_weights_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InputError, match="expected 3 class weights, found 2"):
        tile_weights([1], 3, "logits", [1, 2])
    with pytest.raises(InputError, match=r"expected 3 weights per member, found \[3, 2\]"):
        tile_weights([[1, 1, 1], [1, 1]], 3, "logits")
    with pytest.raises(InputError, match="> 0, found 1, 0, 1"):
        tile_weights([1], 3, "logits", [1, 0, 1])
