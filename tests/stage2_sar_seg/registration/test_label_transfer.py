from __future__ import annotations

import numpy as np
import pytest

from stage2_sar_seg.registration.label_transfer import transfer_labels

LABELS = np.array([[1, 2, 3], [4, 5, 6], [7, 8, 1]], np.uint8)

Transform = tuple[tuple[float, float, float], tuple[float, float, float]]


def by(rows: float, columns: float) -> Transform:
    """An offset as a transform."""
    return (1.0, 0.0, rows), (0.0, 1.0, columns)


@pytest.mark.parametrize(
    ("offset", "expected"),
    [
        ((0.0, 0.0), [[1, 2, 3], [4, 5, 6], [7, 8, 1]]),
        ((1.0, 0.0), [[4, 5, 6], [7, 8, 1], [0, 0, 0]]),
        ((0.0, -1.0), [[0, 1, 2], [0, 4, 5], [0, 7, 8]]),
        ((0.49, -0.49), [[1, 2, 3], [4, 5, 6], [7, 8, 1]]),
        ((0.5, -0.51), [[0, 4, 5], [0, 7, 8], [0, 0, 0]]),
        ((-1.6, 1.5), [[0, 0, 0], [0, 0, 0], [3, 0, 0]]),
        ((40.0, 0.0), [[0, 0, 0], [0, 0, 0], [0, 0, 0]]),
    ],
)
def test_a_pixel_gets_the_label_whose_centre_is_nearest_to_where_it_lies(
    offset: tuple[float, float], expected: list[list[int]]
) -> None:
    before = LABELS.copy()
    assert transfer_labels(LABELS, by(*offset)).tolist() == expected
    np.testing.assert_array_equal(LABELS, before)


@pytest.mark.parametrize("shift", [(3, -2), (-5, 0), (0.3, 4.4)])
def test_a_planted_shift_is_inverted_wherever_the_label_map_reaches(shift: tuple[float, float]) -> None:
    scene = np.random.default_rng(0).integers(1, 9, (60, 70), dtype=np.uint8)
    down, right = round(shift[0]), round(shift[1])
    in_sar, in_optical = scene[10:50, 10:60], scene[10 - down : 50 - down, 10 - right : 60 - right]
    found = transfer_labels(in_optical, by(*shift))
    np.testing.assert_array_equal(found[found > 0], in_sar[found > 0])
    assert (found > 0).sum() == (40 - abs(down)) * (50 - abs(right))


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        (((0, 1, 0), (-1, 0, 2)), [[3, 6, 1], [2, 5, 8], [1, 4, 7]]),  # a quarter turn
        (((2, 0, 0), (0, 2, 0)), [[1, 3, 0], [7, 1, 0], [0, 0, 0]]),  # twice as coarse
        (((1, 0.5, 0), (0, 1, 0)), [[1, 5, 6], [4, 8, 1], [7, 0, 0]]),  # sheared, a half up
    ],
)
def test_an_affine_misregistration_is_inverted(transform: Transform, expected: list[list[int]]) -> None:
    assert transfer_labels(LABELS, transform).tolist() == expected


def test_unknown_labels_stay_unknown_and_a_map_of_one_pixel_is_one() -> None:
    assert transfer_labels(np.zeros((4, 4), np.uint8), by(1, 1)).max() == 0
    assert transfer_labels(np.array([[7]], np.uint8), by(0.4, -0.4)).tolist() == [[7]]
