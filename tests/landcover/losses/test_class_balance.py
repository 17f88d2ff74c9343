from fractions import Fraction

import numpy as np
import pytest

from landcover.errors import InputError
from landcover.losses.class_balance import class_balanced_weights


@pytest.mark.parametrize("beta", [0.9, 0.99, 0.999, 0.9999])
def test_weights_are_the_inverse_of_a_geometric_series(beta: float) -> None:
    counts = [10, 240, 3750, 6000]  # 10,000 in all: shares and samples are the same numbers
    effective = [sum(beta**power for power in range(count)) for count in counts]
    mean = sum(count / 10_000 / number for count, number in zip(counts, effective, strict=True))
    weights = class_balanced_weights(counts, beta)
    assert weights == pytest.approx([1 / number / mean for number in effective], rel=1e-9)
    assert weights == sorted(weights, reverse=True)


def test_known_weights_of_two_classes() -> None:
    # one sample and two of three: 10,000 / 3 and 20,000 / 3; beta^(10,000 / 3) = 1/2
    first, second = class_balanced_weights([1, 2], 0.5 ** (3 / 10_000))
    # effective numbers are as 1/2 to 3/4, hence weights as 3 to 2, of mean (3 + 2 * 2) / 3
    assert (first, second) == pytest.approx((float(Fraction(9, 7)), float(Fraction(6, 7))), rel=1e-9)


def test_only_shares_matter_and_the_mean_over_pixels_is_one() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 1_000_000, 8)
    weights = class_balanced_weights(counts, 0.999)
    assert all(type(weight) is float for weight in weights)
    assert np.dot(weights, counts) / counts.sum() == pytest.approx(1, rel=1e-12)
    assert class_balanced_weights(counts * 10**9, 0.999) == pytest.approx(weights, rel=1e-12)


def test_beta_goes_from_equal_weights_to_inverse_frequencies() -> None:
    counts = [100, 300, 9_600]
    assert class_balanced_weights(counts, 0.5) == pytest.approx([1, 1, 1], rel=1e-9)
    inverse = [10_000 / 3 / count for count in counts]
    assert class_balanced_weights(counts, 1 - 1e-12) == pytest.approx(inverse, rel=1e-6)


def test_absent_classes_have_weight_one_and_do_not_matter() -> None:
    weights = class_balanced_weights([0, 50, 0, 450], 0.999)
    assert (weights[0], weights[2]) == (1, 1)
    assert [weights[1], weights[3]] == class_balanced_weights([50, 450], 0.999)
    assert class_balanced_weights([0, 7], 0.999) == [1, pytest.approx(1)]


@pytest.mark.parametrize("beta", [0.0, 1.0, -0.1, 2, True, "0.9"])
def test_mistaken_beta_is_named(beta: object) -> None:
    with pytest.raises(InputError, match=rf"class_balance: expected None or beta in \(0, 1\), found {beta!r}; 0.999"):
        class_balanced_weights([1, 2], beta)


def test_labels_that_are_all_void_are_refused() -> None:
    with pytest.raises(InputError, match="class_balance: expected labelled pixels, found only void"):
        class_balanced_weights([0, 0], 0.9)
