from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import ndimage

from landcover.images.no_data import MIN_AREA, Raster, no_measurement


def picture(rows: str) -> NDArray[np.uint8]:
    return np.array([[int(value) for value in row] for row in rows.split()], dtype=np.uint8)


def test_zero_region_at_the_border_is_no_data_and_dark_pixels_inside_are_data() -> None:
    image = picture("00111 01101 11011 11111")
    expected = picture("11000 10000 00000 00000").astype(bool)
    np.testing.assert_array_equal(Raster(image).no_data(min_area=3), expected)


def test_diagonal_neighbours_belong_to_one_region() -> None:
    image = picture("0111 1011 1101 1111")
    np.testing.assert_array_equal(Raster(image).no_data(min_area=3), picture("1000 0100 0010 0000").astype(bool))
    assert not Raster(image).no_data(min_area=4).any()


def test_small_region_at_the_border_is_data() -> None:
    image = np.ones((100, 100), np.uint8)
    image[0, :MIN_AREA] = 0
    image[:10, :99] = 0
    assert np.count_nonzero(image == 0) == MIN_AREA - 9
    assert not Raster(image).no_data().any()
    image[10, :9] = 0
    assert Raster(image).no_data().sum() == MIN_AREA


@pytest.mark.parametrize("side", [0, 1, 2, 3])
def test_every_side_is_a_border(side: int) -> None:
    image = np.ones((8, 8), np.uint8)
    image[0, 2:5] = 0
    rotated = np.rot90(image, side)
    np.testing.assert_array_equal(Raster(rotated).no_data(min_area=3), rotated == 0)


def test_several_wedges_are_found_together() -> None:
    image = picture("00110 01110 11111 01111 00111")
    np.testing.assert_array_equal(Raster(image).no_data(min_area=2), image == 0)


def test_every_band_must_be_zero() -> None:
    image = np.zeros((4, 4, 3), np.uint8)
    image[2:, :, 1] = 7
    expected = np.zeros((4, 4), bool)
    expected[:2] = True
    np.testing.assert_array_equal(Raster(image).no_data(min_area=1), expected)


def test_missing_pixels_are_no_data_wherever_they_lie_and_link_zeros_with_the_border() -> None:
    image = picture("1001 1101 1111 1011")
    missing = picture("1000 0000 0010 0000").astype(bool)
    expected = picture("1110 0010 0010 0100").astype(bool)
    np.testing.assert_array_equal(Raster(image, missing).no_data(min_area=4), expected)


def test_declared_zeros_are_no_data_in_large_regions_wherever_they_lie() -> None:
    image = picture("11111 10011 11111 11101")
    expected = picture("00000 01100 00000 00000").astype(bool)
    np.testing.assert_array_equal(Raster(image, zeros_declared=True).no_data(min_area=2), expected)
    assert not Raster(image).no_data(min_area=1)[1].any()


def test_numbers_that_can_be_no_measurement_are_found() -> None:
    values = np.array([1, np.nan, -np.inf, 3.4028235e38, -1e31, -9999], np.float32)
    assert no_measurement(values).tolist() == [False, True, True, True, True, False]
    assert no_measurement(values[[0, 5]]) is None
    assert no_measurement(np.array([255], np.uint8)) is None


def test_empty_and_full_tiles() -> None:
    assert Raster(np.zeros((40, 40), np.uint16)).no_data().all()
    assert Raster(np.zeros((2, 3), np.uint16)).no_data().all()  # smaller than any region
    assert not Raster(np.ones((40, 40), np.uint16)).no_data().any()


def test_input_stays_as_it_is() -> None:
    image = picture("0011 0111")
    before = image.copy()
    Raster(image).no_data(min_area=1)
    np.testing.assert_array_equal(image, before)


def test_dark_water_of_a_coast_tile_stays_data() -> None:
    # speckle of a dark surface quantised to bytes: a third of the pixels are 0, up to the border
    image = np.random.default_rng(0).exponential(2.5, (256, 256)).astype(np.uint8)
    assert 0.3 < (image == 0).mean() < 0.35
    assert not Raster(image).no_data().any()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 12), st.floats(0.1, 0.9))
def test_mask_is_that_of_plain_labelling(seed: int, min_area: int, share: float) -> None:
    image = (np.random.default_rng(seed).random((12, 17)) > share).astype(np.uint8)
    regions, count = ndimage.label(image == 0, np.ones((3, 3)))
    expected = np.zeros(image.shape, bool)
    for region in range(1, count + 1):
        rows, columns = np.nonzero(regions == region)
        at_border = (rows == 0) | (rows == 11) | (columns == 0) | (columns == 16)
        if at_border.any() and len(rows) >= min_area:
            expected[rows, columns] = True
    np.testing.assert_array_equal(Raster(image).no_data(min_area), expected)
