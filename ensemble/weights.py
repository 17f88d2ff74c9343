"""Weights of members and classes as integers, so that averages of codes are computed exactly.

With weights w of M members (`w[m]`, or `w[m][k]` where a member counts differently for class k) and factors v of the C
classes, 1 by default, class k of a pixel scores

* `probabilities`: v_k times the mean probability, the mean over members weighted by `w[m][k]`;
* `logits`: log v_k plus the mean log-probability, weighted likewise.

The best class is that of the largest integer sum_m `factors[m][k]` code + `offsets[k]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, cast

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.score_files.score_file import DEFAULT_LOG_RANGE

Average = Literal["logits", "probabilities"]

Weights = Sequence[float] | Sequence[Sequence[float]]
"""One weight per member, or per member one weight per class; all > 0."""

LARGEST_WEIGHT = 2**16
"""Largest integer weight: 256 members of it, times the code 255, still fit in 32 bits."""


@dataclass(frozen=True)
class IntegerWeights:
    """What the codes are multiplied by and what is added to their sums.

    Args:
        factors: int64 (M, C), 1..`LARGEST_WEIGHT`.
        offsets: int64 (C,), >= 0 and one of them 0; logarithms of class weights in units of the sum.
    """

    factors: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @property
    def largest_sum(self) -> int:
        """No weighted sum of codes exceeds it."""
        return int((255 * self.factors.sum(axis=0) + self.offsets).max())

    @property
    def dtype(self) -> np.dtype[Any]:
        """Smallest unsigned type that holds every sum."""
        return np.min_scalar_type(self.largest_sum)

    @property
    def total(self) -> int:
        """Sum of the factors of a class: a mean is the sum divided by it."""
        return int(self.factors.sum(axis=0).max())


def integer_weights(weights: Sequence[float]) -> list[int]:
    """Integers 1..`LARGEST_WEIGHT` in the ratio of `weights`.

    Weights as people write them (1, 2, 0.25, 0.1) keep their ratio exactly. Where that would take integers above
    `LARGEST_WEIGHT`, the largest weight becomes that number and the others are rounded, an error of at most 1/131072
    of the largest weight.

    Raises:
        InputError: a weight is not finite and > 0, or 131072 times smaller than the largest or more.
    """
    return _integers(_fractions(weights))


def tile_weights(
    weights: Weights,
    classes: int,
    average: Average,
    class_weights: Sequence[float] | None = None,
    log_range: float = DEFAULT_LOG_RANGE,
) -> IntegerWeights:
    """Integers that rank the classes as the formulas of this module do.

    Factors are exact as `integer_weights` are. The logarithm of a class weight becomes an integer offset in units of
    the weighted sum; rounding moves a class by at most half a unit, `log_range` / (510 `total`) in log-probability.

    Args:
        weights: of the M members.
        classes: C.
        average: what is averaged.
        class_weights: v, one per class, > 0; None for 1.
        log_range: R of the logit codes; without effect for `probabilities`.

    Raises:
        InputError: as `integer_weights`, or not one weight per class.
    """
    shares = _class_shares(weights, classes)
    scales = _fractions(class_weights or [1.0] * classes)
    if len(scales) != classes:
        raise InputError(f"expected {classes} class weights, found {len(scales)}; give one per class")
    if average == "probabilities":
        shares = [[share * scale for share, scale in zip(row, scales, strict=True)] for row in shares]
    flat = _integers([share for row in shares for share in row])
    factors = np.array(flat, dtype=np.int64).reshape(-1, classes)
    offsets = np.zeros(classes, dtype=np.int64)
    if average == "logits":
        logarithms = np.log([float(scale) for scale in scales])
        offsets = np.rint(255 / log_range * factors.sum(axis=0).max() * (logarithms - logarithms.min())).astype(
            np.int64
        )
    return IntegerWeights(factors, offsets)


def _class_shares(weights: Weights, classes: int) -> list[list[Fraction]]:
    """Per member and class, weights that add up to the same over the members for every class."""
    if not isinstance(weights[0], Sequence):
        return [[weight] * classes for weight in _fractions(cast(Sequence[float], weights))]
    table = cast(Sequence[Sequence[float]], weights)
    if any(len(row) != classes for row in table):
        raise InputError(f"expected {classes} weights per member, found {[len(row) for row in table]}")
    rows = [_fractions(row) for row in table]
    totals = [sum(column) for column in zip(*rows, strict=True)]
    return [[weight / total for weight, total in zip(row, totals, strict=True)] for row in rows]


def _fractions(weights: Sequence[float]) -> list[Fraction]:
    """The shortest decimal that stands for a float is the number that was meant: 0.1 is 1/10."""
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise InputError(f"expected member weights > 0, found {', '.join(f'{weight:g}' for weight in weights)}")
    return [Fraction(repr(float(weight))) for weight in weights]


def _integers(exact: Sequence[Fraction]) -> list[int]:
    common = math.lcm(*(weight.denominator for weight in exact))
    integers = [int(weight * common) for weight in exact]
    divisor = math.gcd(*integers)
    if max(integers) // divisor > LARGEST_WEIGHT:
        largest = max(exact)
        integers = [round(weight / largest * LARGEST_WEIGHT) for weight in exact]
        divisor = math.gcd(*integers)
    if min(integers) == 0:
        raise InputError(
            f"expected member weights that differ less than {2 * LARGEST_WEIGHT}-fold, "
            f"found {float(min(exact)):g} and {float(max(exact)):g}; leave the smallest out"
        )
    return [weight // divisor for weight in integers]
