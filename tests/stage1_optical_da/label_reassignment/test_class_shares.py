from __future__ import annotations

import numpy as np

from stage1_optical_da.label_reassignment.class_shares import shares_of_labels, shares_of_probabilities


def test_shares_of_probabilities_are_their_means_over_the_valid_pixels() -> None:
    probabilities = np.array([[[0.5, 0.2, 1.0]], [[0.5, 0.8, 0.0]]], np.float32)
    found = shares_of_probabilities(probabilities, np.array([[True, True, False]]))
    np.testing.assert_allclose(found, [0.35, 0.65], atol=1e-7)
    np.testing.assert_allclose(shares_of_probabilities(probabilities * 0.5, np.ones((1, 3), bool)), [1.7 / 3, 1.3 / 3])
    assert shares_of_probabilities(probabilities, np.zeros((1, 3), bool)).tolist() == [0.0, 0.0]


def test_shares_of_labels_count_known_pixels_of_all_maps_together() -> None:
    maps = [np.array([[0, 1, 1]], np.uint8), np.array([[3], [0]], np.uint8)]
    np.testing.assert_allclose(shares_of_labels(maps, 3), [2 / 3, 0, 1 / 3])
    assert shares_of_labels([np.zeros((2, 2), np.uint8)], 3).tolist() == [0.0, 0.0, 0.0]
    assert shares_of_labels([], 2).tolist() == [0.0, 0.0]
