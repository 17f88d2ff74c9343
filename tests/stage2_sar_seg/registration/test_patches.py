import numpy as np
import pytest

from stage2_sar_seg.registration.patches import patches_of


def test_patches_overlap_by_half_and_reach_both_ends():
    patches = patches_of((100, 64), 20, 10, 0.5, 8)
    assert sorted({p.row for p in patches}) == [10, 20, 30, 40, 50, 60, 70]
    assert sorted({p.column for p in patches}) == [10, 18, 26, 34]  # closer, so that the last one ends at 54
    assert {(p.height, p.width, p.search) for p in patches} == {(20, 20, 10)} and len(patches) == 28


def test_area_and_window_cut_the_tile_with_equal_margins():
    tile = np.arange(40 * 50).reshape(40, 50)
    patch = patches_of((40, 50), 16, 6, 0.5, 8)[-1]
    window = tile[patch.window]
    np.testing.assert_array_equal(window[6:-6, 6:-6], tile[patch.area])
    assert window.shape == (28, 28) and window[-1, -1] == tile[-1, -1]
    assert tile[patch.area][0, 0] == patch.origin @ [50, 1]


def test_a_small_tile_has_one_patch_as_large_as_the_search_allows():
    (patch,) = patches_of((64, 48), 192, 8, 0.5, 32)
    assert (patch.row, patch.column, patch.height, patch.width) == (8, 8, 48, 32)


@pytest.mark.parametrize("shape", [(47, 300), (300, 10)])
def test_a_tile_without_room_for_the_search_has_none(shape):
    assert patches_of(shape, 192, 8, 0.5, 32) == []


@pytest.mark.parametrize("overlap", [0.0, 0.3, 0.9])
def test_every_pixel_inside_of_the_margin_is_in_a_patch(overlap):
    seen = np.zeros((77, 91), dtype=int)
    for patch in patches_of(seen.shape, 20, 5, overlap, 8):
        seen[patch.area] += 1
    assert (seen[5:-5, 5:-5] > 0).all() and seen.sum() == seen[5:-5, 5:-5].sum()
