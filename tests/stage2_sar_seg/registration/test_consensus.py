import numpy as np
import pytest

from stage2_sar_seg.registration.consensus import find_consensus
from stage2_sar_seg.registration.matcher import Correspondences


def points(transform, count, wrong, noise=0.5, seed=0, side=200):
    """Correspondences under `transform`, the first `wrong` of them anywhere."""
    rng = np.random.default_rng(seed)
    sar = rng.uniform(0, side, (count, 2))
    optical = sar @ transform[:, :2].T + transform[:, 2] + rng.normal(0, noise, (count, 2))
    optical[:wrong] = sar[:wrong] + rng.uniform(-32, 32, (wrong, 2))
    return Correspondences(sar, optical, rng.uniform(0.3, 1, count))


SHIFT = np.array([[1, 0, 5.5], [0, 1, -3.25]])
SHEAR = np.array([[1.01, 0.02, 4.0], [-0.03, 0.98, -7.0]])


@pytest.mark.parametrize("wrong", [0, 60, 160])
def test_a_planted_shift_is_found_among_wrong_points(wrong):
    result = find_consensus(points(SHIFT, 200, wrong), 3.0)
    np.testing.assert_array_equal(result.transform[:, :2], np.eye(2))
    np.testing.assert_allclose(result.transform[:, 2], SHIFT[:, 2], atol=0.3)
    assert result.inliers[wrong:].all() and result.inliers[:wrong].mean() < 0.1 if wrong else result.inliers.all()


def test_a_planted_affine_transform_is_found_and_a_translation_is_not_enough_for_it():
    some = points(SHEAR, 200, 80)
    result = find_consensus(some, 3.0, "affine")
    np.testing.assert_allclose(result.transform[:, :2], SHEAR[:, :2], atol=0.005)
    np.testing.assert_allclose(result.transform[:, 2], SHEAR[:, 2], atol=0.5)
    assert result.inliers[80:].all()
    assert find_consensus(some, 3.0).inliers.sum() < 0.9 * result.inliers.sum()


def test_the_fit_of_a_translation_is_the_mean_weighted_by_confidence():
    sar = np.array([[0.0, 0.0], [10.0, 5.0], [20.0, 9.0]])
    move = np.array([[1.0, 2.0], [2.0, 2.0], [30.0, 30.0]])
    result = find_consensus(Correspondences(sar, sar + move, np.array([0.9, 0.3, 0.5])), 3.0)
    np.testing.assert_allclose(result.transform[:, 2], [1.25, 2.0])
    assert result.inliers.tolist() == [True, True, False]


def test_points_without_confidence_neither_decide_nor_count():
    some = points(SHIFT, 40, 30)
    some.confidence[:30] = 0
    assert find_consensus(some, 3.0).inliers.tolist() == [False] * 30 + [True] * 10
    some.confidence[:] = 0
    assert find_consensus(some, 3.0) is None


@pytest.mark.parametrize("model", ["translation", "affine"])
def test_no_points_are_no_consensus(model):
    assert find_consensus(Correspondences(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0)), 3.0, model) is None


def test_points_on_a_line_have_no_affine_transform():
    sar = np.outer(np.arange(10.0), [1.0, 2.0])
    assert find_consensus(Correspondences(sar, sar + 1, np.ones(10)), 3.0, "affine") is None
    assert find_consensus(points(SHEAR, 2, 0), 3.0, "affine") is None


@pytest.mark.parametrize("model", ["translation", "affine"])
def test_the_same_points_give_the_same_transform(model):
    some = points(SHEAR, 3000, 1500)
    first, second = (find_consensus(some, 3.0, model) for _ in range(2))
    np.testing.assert_array_equal(first.transform, second.transform)
