from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landcover.prediction.blending import RollingSums, blending_weights

CPU = torch.device("cpu")


@given(length=st.integers(1, 200), window=st.integers(1, 64), share=st.floats(0.1, 1))
@settings(max_examples=60, deadline=None)
def test_the_weights_of_all_windows_add_up_to_one_at_every_pixel(length: int, window: int, share: float) -> None:
    weights = blending_weights(length, window, max(1, round(window * share)))
    total = np.zeros(length)
    for start, values in weights.items():
        assert values.dtype == np.float32 and values.shape == (min(window, length),)
        assert (values > 0).all()
        total[start : start + len(values)] += values
    np.testing.assert_allclose(total, 1, rtol=0, atol=1e-6)


def test_half_overlapping_windows_are_faded_with_squared_sines() -> None:
    weights = blending_weights(6, 4, 2)
    fading = np.sin(np.pi * np.array([1, 3, 5, 7]) / 8) ** 2
    assert list(weights) == [0, 2]
    np.testing.assert_allclose(weights[0], [1, 1, *fading[2:]], atol=1e-6)
    np.testing.assert_allclose(weights[2], [*fading[:2], 1, 1], atol=1e-6)


@given(seed=st.integers(0, 10**6), rows=st.integers(1, 30), window=st.integers(1, 9), columns=st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_rolling_sums_equal_sums_of_the_whole_image(seed: int, rows: int, window: int, columns: int) -> None:
    rng = np.random.default_rng(seed)
    size = min(window, rows)
    covering = [*range(0, rows - size, size), rows - size]
    tops = sorted([*covering, *rng.integers(0, rows - size + 1, 8).tolist()])
    first, width = int(rng.integers(0, rows)), columns + 3
    expected = np.zeros((3, rows, width))
    sums = RollingSums(3, size, slice(1, 1 + columns), first, CPU)
    found, done = [], first
    for top in tops:
        left = int(rng.integers(0, width - 1))
        block = rng.random((3, size, int(rng.integers(1, width - left + 1))))
        weights = rng.random(block.shape[1:])
        expected[:, top : top + size, left : left + block.shape[2]] += block * weights
        if top > done:
            found.append(sums.take(top - done))
            done = top
        if top + size > first and left < 1 + columns and left + block.shape[2] > 1:
            sums.add(top, left, torch.from_numpy(block).float(), torch.from_numpy(weights).float())
    found.append(sums.take(rows - done))
    scores = np.concatenate([piece[1] for piece in found])
    wanted = expected[:, first:, 1 : 1 + columns].max(axis=0)
    np.testing.assert_allclose(scores, wanted, rtol=0, atol=1e-5)


def test_the_best_class_is_taken_and_nothing_is_left_for_the_rows_below() -> None:
    sums = RollingSums(2, 2, slice(0, 3), 0, CPU)
    scores = torch.tensor([[[0.1, 0.6, 0.5], [0.2, 0.2, 0.2]], [[0.3, 0.4, 0.9], [0.1, 0.1, 0.8]]])
    sums.add(0, 0, scores, torch.ones(2, 3))
    labels, best = sums.take(2)
    assert labels.tolist() == [[1, 0, 1], [0, 0, 1]] and labels.dtype == np.uint8
    np.testing.assert_allclose(best, [[0.3, 0.6, 0.9], [0.2, 0.2, 0.8]])
    assert sums.take(2)[1].tolist() == [[0, 0, 0], [0, 0, 0]]


def test_scores_that_are_no_numbers_are_refused() -> None:
    sums = RollingSums(2, 1, slice(0, 2), 0, CPU)
    sums.add(0, 0, torch.tensor([[[0.5, float("nan")]], [[0.5, 0.5]]]), torch.ones(1, 2))
    with pytest.raises(ValueError, match="class probabilities contain NaN; the model diverged"):
        sums.take(1)
