from __future__ import annotations

import numpy as np
import pytest

from stage1_optical_da.label_reassignment.superpixels import superpixels


def test_regions_end_where_colours_change_even_within_a_cell() -> None:
    image = np.full((40, 60, 3), 40, np.uint8)
    image[:, 27:] = (200, 90, 60)  # cells of 8 pixels end at 24 and 32
    regions = superpixels(image, 8)
    assert regions.dtype == np.int64 and regions.shape == (40, 60)
    left, right = (set(np.unique(part)) for part in (regions[:, :26], regions[:, 28:]))  # watershed is a pixel wide
    assert not left & right
    assert sorted(left | right) == list(range(5 * 8))  # a region of every cell, those at the border too


def test_an_even_image_has_regions_of_about_the_size_of_cells() -> None:
    noise = np.random.default_rng(0).integers(100, 110, (64, 64, 3), dtype=np.uint8)
    sizes = np.bincount(superpixels(noise, 8).ravel())
    assert len(sizes) == 64 and sizes.sum() == 64 * 64
    assert sizes.min() >= 8 and sizes.max() <= 4 * 64


@pytest.mark.parametrize(("height", "width", "side", "count"), [(1, 1, 8, 1), (2, 9, 4, 3), (5, 5, 100, 1)])
def test_images_smaller_than_a_cell_are_regions_too(height: int, width: int, side: int, count: int) -> None:
    regions = superpixels(np.zeros((height, width, 3), np.uint8), side)
    assert regions.shape == (height, width) and set(np.unique(regions)) == set(range(count))


def test_every_pixel_is_a_region_at_a_side_of_one() -> None:
    image = np.random.default_rng(0).integers(0, 255, (6, 7, 3), dtype=np.uint8)
    assert superpixels(image, 1).tolist() == np.arange(42).reshape(6, 7).tolist()
