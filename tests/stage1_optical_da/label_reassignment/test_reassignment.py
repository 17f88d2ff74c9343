from __future__ import annotations

import numpy as np
import pytest
from made_up_scores import sure_of
from numpy.typing import NDArray

from stage1_optical_da.label_reassignment.class_shares import shares_of_probabilities
from stage1_optical_da.label_reassignment.evidence import Evidence
from stage1_optical_da.label_reassignment.reassignment import reassigned, soft_assignment, unsure
from stage1_optical_da.label_reassignment.settings import ReassignmentSettings

SETTINGS = ReassignmentSettings()


def evidence(probabilities: NDArray[np.float32], no_data: NDArray[np.bool_] | None = None) -> Evidence:
    """Of one model."""
    size = probabilities.shape[1:]
    unanimous = (probabilities.argmax(0) + 1).astype(np.uint8)
    return Evidence(probabilities, unanimous, np.zeros(size, bool) if no_data is None else no_data)


def noisy(truth: NDArray[np.int64], noise: float, seed: int = 0) -> NDArray[np.float32]:
    """(8, H, W): what a model says that sees a class with noise in its scores."""
    scores = 2.5 * np.eye(8)[truth - 1].transpose(2, 0, 1)
    scores = scores + np.random.default_rng(seed).normal(0, noise, scores.shape)
    raised = np.exp(scores - scores.max(0))
    return (raised / raised.sum(0)).astype(np.float32)


@pytest.fixture
def truth() -> NDArray[np.int64]:
    """Blocks of three classes, 48 x 48."""
    return np.kron(np.array([[1, 5, 5], [5, 8, 1], [8, 8, 5]]), np.ones((16, 16), np.int64))


def test_labels_with_planted_noise_get_better_and_unlabelled_pixels_labels(truth: NDArray[np.int64]) -> None:
    found = evidence(noisy(truth, 1.0))
    rng = np.random.default_rng(1)
    labels = np.where(rng.random(truth.shape) < 0.3, rng.integers(0, 9, truth.shape), truth).astype(np.uint8)
    shares = shares_of_probabilities(found.probabilities, ~found.no_data)
    assigned = soft_assignment(found, shares, 8, SETTINGS)
    after = reassigned(labels, assigned, found, SETTINGS)
    before, of_model = (labels == truth).mean(), (found.unanimous == truth).mean()
    assert before < 0.75 and of_model < 0.85
    assert (after == truth).mean() > 0.9
    filled = (labels == 0) & (after > 0)
    assert filled.sum() > 0.7 * (labels == 0).sum() and (after == truth)[filled].mean() > 0.9


def test_no_class_gets_more_of_a_tile_than_its_share_and_the_slack(truth: NDArray[np.int64]) -> None:
    found = evidence(noisy(truth, 1.5))
    shares = np.bincount(truth.ravel(), minlength=9)[1:] / truth.size
    assigned = soft_assignment(found, shares, 8, ReassignmentSettings(slack=0.02, sharpness=10))
    assert (assigned.mean((1, 2)) <= shares + 0.02 + 1e-4).all()
    np.testing.assert_allclose(assigned.sum(0), 1, atol=1e-4)
    # Classes that are absent take what their slack allows them at most, not a share that they must have.
    half = soft_assignment(found, shares, 8, ReassignmentSettings(slack=0.02, fraction=0.5))
    assert half.mean((1, 2)).sum() == pytest.approx(0.5, abs=1e-3)


def test_a_rare_class_that_seldom_wins_gets_the_share_that_models_give_it() -> None:
    rng = np.random.default_rng(0)
    rare = np.clip(rng.beta(1, 8, (64, 64)), 0.01, 0.95)
    probabilities = np.full((8, 64, 64), 1e-3, np.float32)
    probabilities[0], probabilities[4] = rare, 1 - rare
    found = evidence(probabilities / probabilities.sum(0))
    shares = shares_of_probabilities(found.probabilities, ~found.no_data)
    settings = ReassignmentSettings(region_weight=0, slack=0, sharpness=20, threshold=1)
    after = reassigned(found.unanimous, soft_assignment(found, shares, 8, settings), found, settings)
    assert shares[0] == pytest.approx(0.115, abs=0.01)
    assert (found.unanimous == 1).mean() < 0.01 and (after == 1).mean() == pytest.approx(shares[0], abs=0.02)
    assert rare[after == 1].min() >= rare[after == 5].max() - 1e-6  # the most probable ones


def test_only_unsure_labels_change_and_only_where_one_class_has_enough(truth: NDArray[np.int64]) -> None:
    found = evidence(noisy(truth, 1.0))
    labels = np.random.default_rng(1).integers(0, 9, truth.shape).astype(np.uint8)
    assigned = soft_assignment(found, np.full(8, 0.2), 8, SETTINGS)
    after = reassigned(labels, assigned, found, SETTINGS)
    changed = after != labels
    assert changed.any() and unsure(labels, found, SETTINGS.threshold)[changed].all()
    assert (assigned.max(0)[changed] >= SETTINGS.least).all()
    assert np.array_equal(after[changed], assigned.argmax(0)[changed] + 1)


def test_what_is_unsure() -> None:
    probabilities = sure_of(np.array([[1, 1, 1, 1]]), 0.95)
    probabilities[:, 0, 1] = sure_of(np.array([1]), 0.6)[:, 0]
    found = evidence(probabilities)
    found.unanimous[0, 3] = 0  # models differ
    labels = np.array([[1, 1, 2, 1]], np.uint8)
    assert unsure(labels, found, 0.9).tolist() == [[False, True, True, True]]
    assert unsure(labels, found, 0.5).tolist() == [[False, False, True, True]]
    assert unsure(np.zeros_like(labels), found, 0.0).all()


def test_pixels_without_data_keep_their_labels_and_a_tile_of_them_all(truth: NDArray[np.int64]) -> None:
    no_data = np.zeros(truth.shape, bool)
    no_data[:, :20] = True
    labels = np.zeros(truth.shape, np.uint8)
    for masked in (no_data, np.ones_like(no_data)):
        found = evidence(noisy(truth, 0.5), masked)
        shares = shares_of_probabilities(found.probabilities, ~masked)
        assigned = soft_assignment(found, shares, 8, SETTINGS)
        after = reassigned(labels, assigned, found, SETTINGS)
        assert not after[masked].any() and not assigned[:, masked].any()
        assert np.array_equal(after > 0, ~masked & (assigned.max(0) >= 0.5))
