from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.ablation.spread import Spread, paired_difference, spread

scores = st.lists(st.floats(0, 1), min_size=2, max_size=6)


@given(scores)
def test_mean_and_sample_standard_deviation(values: list[float]) -> None:
    found = spread(values)
    assert found is not None and found.deviation is not None and found.count == len(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.deviation == pytest.approx(np.std(values, ddof=1), abs=1e-12)


@given(scores)
def test_differences_are_paired(values: list[float]) -> None:
    before = [value / 2 for value in reversed(values)]
    found = paired_difference(values, before)
    pairs = np.array(values) - np.array(before)
    assert found is not None and found.deviation is not None
    assert (found.mean, found.deviation) == pytest.approx((pairs.mean(), pairs.std(ddof=1)), abs=1e-12)


def test_one_value_has_no_deviation_and_missing_values_no_spread() -> None:
    assert spread([0.25]) == Spread(0.25, None, 1)
    assert spread([]) is None
    assert spread([0.5, None]) is None
    assert paired_difference([0.5, 0.5], [0.25, None]) is None


def test_texts_are_in_percent_with_one_decimal() -> None:
    assert Spread(0.5525, 0.0126, 3).text() == "55.2 ± 1.3"
    assert Spread(0.012, 0.5, 3).text(sign=True) == "+1.2 ± 50.0"
    assert Spread(-0.012, None, 1).text(sign=True) == "-1.2"
    assert Spread(203.6, 4.4, 3).text(scale=1.0, digits=0) == "204 ± 4"
