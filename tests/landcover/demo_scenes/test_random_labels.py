import numpy as np
import pytest
from scipy import ndimage

from landcover.demo_scenes.agreement import AGREEMENT
from landcover.demo_scenes.layout import CITY, SUBURB, lay_out
from landcover.demo_scenes.random_labels import CONFUSED_WITH, random_labels

TOLERANCE = 0.07  # of a share over 24 tiles, which differ from each other by about 0.1


@pytest.fixture(scope="module")
def pairs():
    result = []
    for index in range(24):
        rng = np.random.default_rng([21, index])
        scene = lay_out(rng, 192, 192, SUBURB if index % 3 == 0 else CITY)
        truth = np.ascontiguousarray(scene.crop(scene.labels))
        result.append((truth, random_labels(truth, scene.crop(scene.ids), scene.objects.variant, rng)))
    return result


def test_rows_of_the_confusion_are_distributions_without_diagonal():
    np.testing.assert_allclose(CONFUSED_WITH.sum(1), 1)
    assert not CONFUSED_WITH.diagonal().any()


def test_agreement_per_class_comes_near_the_published_one(pairs):
    counts = sum(np.bincount(truth.ravel() * 9 + wrong, minlength=81) for truth, wrong in flat(pairs)).reshape(9, 9)
    agreement = counts[1:, 1:].diagonal() / counts[1:].sum(1)
    np.testing.assert_allclose(agreement, AGREEMENT, atol=TOLERANCE)


def test_intersection_over_union_keeps_the_published_order_of_difficulty(pairs):
    counts = sum(np.bincount(truth.ravel() * 9 + wrong, minlength=81) for truth, wrong in flat(pairs)).reshape(9, 9)
    right = counts[1:, 1:].diagonal()
    iou = right / (counts[1:].sum(1) + counts[:, 1:].sum(0) - right)
    assert iou.argmin() == 0 and iou.argmax() == 5
    assert 0.35 < iou[1:].mean() < 0.75


def test_errors_are_patches_not_salt_and_pepper(pairs):
    for truth, wrong in pairs[:6]:
        errors = truth != wrong
        labelled, count = ndimage.label(errors, np.ones((3, 3)))
        areas = ndimage.sum_labels(errors, labelled, np.arange(1, count + 1))
        assert areas[areas >= 30].sum() > 0.8 * errors.sum()


def test_labels_stay_labels_and_the_truth_is_not_touched():
    truth = np.full((64, 64), 6, np.uint8)
    truth[:, :20] = 2
    before, ids = truth.copy(), (truth == 6).astype(np.int32)
    wrong = random_labels(truth, ids, np.array([0.2, 0.7], np.float32), np.random.default_rng(0))
    np.testing.assert_array_equal(truth, before)
    assert wrong.dtype == np.uint8 and wrong.min() >= 1 and wrong.max() <= 8


def flat(pairs):
    return [(truth.astype(np.int64).ravel(), wrong.ravel()) for truth, wrong in pairs]
