from __future__ import annotations

import numpy as np
import pytest

from landcover.images.no_data import Raster
from landcover.report.pictures import agreement, error_map, shrink_image, shrink_map, stretch_sar

TRUTH = np.array([[0, 1], [2, 3]], dtype=np.uint8)
PREDICTED = np.array([[4, 1], [2, 0]], dtype=np.uint8)


def test_error_map_tells_correct_from_wrong_and_leaves_void_out():
    np.testing.assert_array_equal(error_map(TRUTH, PREDICTED), [[0, 1], [1, 2]])


def test_agreement_counts_labelled_pixels_only():
    assert agreement(TRUTH, PREDICTED) == pytest.approx(2 / 3)
    assert agreement(np.zeros((2, 2), dtype=np.uint8), PREDICTED) is None


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_sar_is_stretched_between_percentiles_and_no_data_is_black(dtype):
    sar = np.tile(np.linspace(1, 101, 101).astype(dtype), (101, 1))
    sar[:20] = 0

    grey = stretch_sar(Raster(sar))

    assert grey.dtype == np.uint8
    assert not grey[:20].any()
    np.testing.assert_array_equal(grey[50, [0, 2, 50, 98, 100]], [1, 1, 128, 255, 255])


def test_constant_and_empty_sar_have_a_picture():
    np.testing.assert_array_equal(np.unique(stretch_sar(Raster(np.full((40, 40), 7, dtype=np.uint8)))), [1])
    np.testing.assert_array_equal(np.unique(stretch_sar(Raster(np.zeros((40, 40), dtype=np.uint8)))), [0])


def test_maps_shrink_to_values_they_hold_and_images_to_means():
    labels = np.array([[1, 1, 8, 8], [1, 1, 8, 8]], dtype=np.uint8)

    np.testing.assert_array_equal(shrink_map(labels, side=2), [[1, 8]])
    np.testing.assert_array_equal(shrink_image(np.array([[0, 100], [50, 50]], dtype=np.uint8), side=1), [[50]])


def test_small_pictures_keep_their_pixels():
    np.testing.assert_array_equal(shrink_map(TRUTH, side=2), TRUTH)
    np.testing.assert_array_equal(shrink_image(TRUTH, side=2), TRUTH)


def test_the_longer_side_is_limited_and_the_shape_is_kept():
    assert shrink_image(np.zeros((100, 1000, 3), dtype=np.uint8)).shape == (32, 320, 3)
    assert shrink_map(np.zeros((1000, 500), dtype=np.uint8)).shape == (320, 160)
