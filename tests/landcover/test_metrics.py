from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.metrics import ConfusionMatrix

THREE = ClassScheme("three", ("water", "tree", "road"), ((0, 0, 255), (0, 255, 0), (255, 255, 255)))
TRUTH = np.array([[1, 1, 1, 2], [2, 2, 0, 0]], dtype=np.uint8)
PREDICTED = np.array([[1, 1, 2, 2], [2, 0, 1, 3]], dtype=np.uint8)


def counted(*pairs: tuple[NDArray[np.uint8], NDArray[np.uint8]], scheme: ClassScheme = THREE) -> ConfusionMatrix:
    matrix = ConfusionMatrix(scheme)
    for truth, predicted in pairs:
        matrix.add(truth, predicted)
    return matrix


def test_counts_are_indexed_by_truth_then_prediction() -> None:
    matrix = counted((TRUTH, PREDICTED))
    assert matrix.counts.tolist() == [[2, 1, 0], [0, 2, 0], [0, 0, 0]]
    assert matrix.counts.dtype == np.int64
    assert matrix.pixels == 6


def test_void_prediction_on_a_labelled_pixel_is_a_miss() -> None:
    matrix = counted((TRUTH, PREDICTED))
    assert matrix.missed.tolist() == [0, 1, 0]
    # tree: 2 hits, 1 false alarm, 1 miss
    assert matrix.iou()[1] == 2 / 4
    assert matrix.f1()[1] == 4 / 6


def test_void_truth_counts_nowhere() -> None:
    matrix = counted((np.zeros((2, 2), np.uint8), np.full((2, 2), 3, np.uint8)))
    assert matrix.pixels == 0
    assert np.isnan(matrix.iou()).all()


def test_class_absent_from_both_maps_has_no_score_and_is_named() -> None:
    summary = counted((TRUTH, PREDICTED)).summary("manual labels")
    assert summary == {
        "miou": pytest.approx((2 / 3 + 2 / 4) / 2),
        "iou": {"water": pytest.approx(2 / 3), "tree": 0.5, "road": None},
        "absent": ["road"],
        "labels": "manual labels",
        "pixels": 6,
        "f1": {"water": pytest.approx(4 / 5), "tree": pytest.approx(4 / 6), "road": None},
        "accuracy": pytest.approx(4 / 6),
    }
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary


def test_class_that_is_only_predicted_scores_zero_and_counts_in_the_mean() -> None:
    truth = np.array([1, 1, 1, 1], np.uint8)
    summary = counted((truth, np.array([1, 1, 1, 3], np.uint8))).summary("truth")
    assert summary["iou"] == {"water": 0.75, "tree": None, "road": 0.0}
    assert summary["miou"] == 0.375
    assert summary["absent"] == ["tree"]


def test_summary_without_a_labelled_pixel_is_an_input_error() -> None:
    with pytest.raises(InputError, match="manual labels: expected labelled pixels"):
        ConfusionMatrix(THREE).summary("manual labels")


def test_shapes_must_agree() -> None:
    with pytest.raises(ValueError, match=r"\(2, 4\).*\(2, 3\)"):
        counted((TRUTH, PREDICTED[:, :3]))


@pytest.mark.parametrize("wrong", [4, 255])
def test_label_beyond_the_scheme_is_refused(wrong: int) -> None:
    bad = np.full((2, 4), wrong, np.uint8)
    for pair in ((bad, PREDICTED), (TRUTH, bad)):
        with pytest.raises(ValueError, match=rf"expected labels 0..3 \(scheme three\), found {wrong}"):
            counted(pair)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 200))
def test_scores_are_those_of_a_brute_force_count(seed: int, pixels: int) -> None:
    generator = np.random.default_rng(seed)
    truth, predicted = generator.integers(0, 9, (2, pixels), dtype=np.uint8)
    matrix = counted((truth, predicted), scheme=OPEN_EARTH_MAP)
    valid = truth > 0
    for label in range(1, 9):
        hits = int(((truth == label) & (predicted == label) & valid).sum())
        union = int((((truth == label) | (predicted == label)) & valid).sum())
        sizes = int((truth[valid] == label).sum() + (predicted[valid] == label).sum())
        expected = (hits / union, 2 * hits / sizes) if union else (np.nan, np.nan)
        np.testing.assert_allclose((matrix.iou()[label - 1], matrix.f1()[label - 1]), expected)
    if valid.any():
        accuracy = matrix.summary("truth")["accuracy"]
        assert accuracy == pytest.approx((truth == predicted)[valid].mean())


def test_pairs_of_many_classes_are_counted_too() -> None:
    """Of 16 classes there are more pairs than a byte holds."""
    many = ClassScheme("many", tuple("abcdefghijklmnop"), tuple((k, 0, 0) for k in range(16)))
    truth, predicted = np.random.default_rng(0).integers(0, 17, (2, 50, 60), dtype=np.uint8)
    matrix, expected = counted((truth, predicted), scheme=many), np.zeros((17, 17), int)
    np.add.at(expected, (truth.ravel(), predicted.ravel()), 1)
    np.testing.assert_array_equal(matrix.counts, expected[1:, 1:])
    np.testing.assert_array_equal(matrix.missed, expected[1:, 0])


def test_counts_do_not_depend_on_how_the_pixels_are_split() -> None:
    generator = np.random.default_rng(1)
    truth, predicted = generator.integers(0, 4, (2, 60), dtype=np.uint8)
    whole = counted((truth, predicted))
    parts = counted((truth[:20], predicted[:20]))
    parts.merge(counted((truth[20:], predicted[20:])))
    np.testing.assert_array_equal(whole.counts, parts.counts)
    np.testing.assert_array_equal(whole.missed, parts.missed)


def test_counts_of_another_scheme_do_not_merge() -> None:
    with pytest.raises(ValueError, match="openearthmap into three"):
        ConfusionMatrix(THREE).merge(ConfusionMatrix(OPEN_EARTH_MAP))


def test_a_class_that_is_not_to_be_scored_is_told_but_left_out_of_the_mean() -> None:
    pair = np.array([[1, 2, 2]], dtype=np.uint8), np.array([[1, 2, 1]], dtype=np.uint8)
    everything = counted(pair).summary("truth")
    unscored = counted(pair, scheme=replace(THREE, unscored=("tree",))).summary("truth")
    assert everything["miou"] == 0.5 and unscored["miou"] == 0.5
    assert unscored["iou"] == everything["iou"] == {"water": 0.5, "tree": 0.5, "road": None}
    pair = np.array([[1, 1, 2]], dtype=np.uint8), np.array([[1, 2, 2]], dtype=np.uint8)
    assert counted(pair, pair, scheme=replace(THREE, unscored=("water",))).summary("truth")["miou"] == 0.5
    pair = np.array([[1, 1, 1, 2]], dtype=np.uint8), np.array([[1, 1, 2, 2]], dtype=np.uint8)
    assert counted(pair, scheme=replace(THREE, unscored=("tree",))).mean_iou() == 2 / 3
    only = counted((TRUTH[:, :3] * 0 + 2, TRUTH[:, :3] * 0 + 2), scheme=replace(THREE, unscored=("tree",)))
    with pytest.raises(InputError, match="truth: expected pixels of classes to score, found only tree; check CLASSES"):
        only.summary("truth")
