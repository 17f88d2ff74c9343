import numpy as np
import pytest
from numpy.typing import NDArray

from landcover.transforms.sample import Sample
from stage1_optical_da.resolution_alignment import ResolutionAlignment


def checkerboard(side: int) -> NDArray[np.uint8]:
    """Black and white pixels in turn: the finest detail an image can have."""
    board = (np.indices((side, side)).sum(0) % 2 * 255).astype(np.uint8)
    return np.stack([board] * 3, axis=-1)


def test_half_resolution_of_a_step_is_known() -> None:
    step = np.tile(np.array([0, 0, 100, 100], np.uint8), (4, 1))
    sample = Sample(np.stack([step] * 3, axis=-1), np.arange(16, dtype=np.uint8).reshape(4, 4))
    result = ResolutionAlignment(1.0, (0.5, 0.5))(sample, np.random.default_rng(0))
    np.testing.assert_array_equal(result.image[..., 1], np.tile(np.array([0, 25, 75, 100], np.uint8), (4, 1)))
    np.testing.assert_array_equal(result.indices, np.arange(16).reshape(4, 4))


def test_height_and_width_shrink_by_the_same_ratio() -> None:
    rows = np.repeat(np.array([0, 0, 100, 100], np.uint8)[:, None], 8, axis=1)
    rows[:, 4:] += 100
    result = ResolutionAlignment(1.0, (0.5, 0.5))(Sample(np.stack([rows] * 3, axis=-1)), np.random.default_rng(0))
    expected = np.array([0, 25, 75, 100])[:, None] + np.array([0, 0, 0, 25, 75, 100, 100, 100])
    np.testing.assert_array_equal(result.image[..., 2], expected)


def test_the_smallest_size_is_one_pixel() -> None:
    image = np.random.default_rng(0).integers(0, 256, (5, 4, 3), dtype=np.uint8)
    result = ResolutionAlignment(1.0, (0.01, 0.01))(Sample(image), np.random.default_rng(0))
    assert len(np.unique(result.image.reshape(-1, 3), axis=0)) == 1


def test_an_enlarged_image_is_enlarged_alike_in_both_directions_and_cropped_anywhere() -> None:
    down, right = np.indices((12, 40)) * 4
    image = np.stack([down, right, down], axis=-1).astype(np.uint8)
    align, rng = ResolutionAlignment(1.0, (1.0, 1.0), upscale=(2.0, 2.0)), np.random.default_rng(0)
    corners = []
    for _ in range(300):
        result = align(Sample(image), rng).image
        assert result.shape == (12, 40, 3)
        inside = result[2:-2, 2:-2].astype(float)  # the first and last pixel of the enlarged image are held
        np.testing.assert_array_equal(np.diff(inside[..., 0], axis=0), 2)
        np.testing.assert_array_equal(np.diff(inside[..., 1], axis=1), 2)
        corners.append(result[0, 0, :2])
    # From the upper left corner down to where the lower right corner is reached.
    np.testing.assert_array_equal(np.min(corners, axis=0), [0, 0])
    np.testing.assert_allclose(np.max(corners, axis=0), [2 * 12, 2 * 40], atol=2)


def test_image_keeps_size_and_type_and_labels_do_not_change() -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (60, 41, 3), dtype=np.uint8)
    indices = rng.integers(0, 8, (60, 41), dtype=np.uint8)
    result = ResolutionAlignment(1.0, (0.1, 0.35))(Sample(image, indices), rng)
    assert result.image.shape == (60, 41, 3)
    assert result.image.dtype == np.uint8
    np.testing.assert_array_equal(result.indices, indices)
    assert result.image.astype(float).std() < 0.7 * image.astype(float).std()


def test_detail_finer_than_the_ratio_is_gone_and_grey_stays_grey() -> None:
    align = ResolutionAlignment(1.0, (0.5, 0.5))
    result = align(Sample(checkerboard(32)), np.random.default_rng(0))
    assert result.indices is None
    np.testing.assert_allclose(result.image, 127.5, atol=0.5)
    grey = np.full((20, 30, 3), 77, np.uint8)
    np.testing.assert_array_equal(align(Sample(grey), np.random.default_rng(0)).image, grey)


def test_with_the_whole_resolution_or_without_probability_nothing_changes() -> None:
    image = checkerboard(16)
    for align in (ResolutionAlignment(1.0, (1.0, 1.0)), ResolutionAlignment(0.0, (0.1, 0.35))):
        np.testing.assert_array_equal(align(Sample(image), np.random.default_rng(3)).image, image)


def test_the_given_share_of_images_is_changed() -> None:
    align, rng, image = ResolutionAlignment(0.2, (0.1, 0.35)), np.random.default_rng(0), checkerboard(8)
    changed = sum(not np.array_equal(align(Sample(image), rng).image, image) for _ in range(2000))
    assert abs(changed / 2000 - 0.2) < 0.03


def test_enlarged_images_are_cropped_together_with_their_labels() -> None:
    indices = np.repeat(np.repeat(np.arange(16, dtype=np.uint8).reshape(4, 4), 8, axis=0), 8, axis=1)
    image = np.stack([indices * 16] * 3, axis=-1)
    align = ResolutionAlignment(1.0, (1.0, 1.0), upscale=(2.0, 2.0))
    for seed in range(5):
        result = align(Sample(image, indices), np.random.default_rng(seed))
        assert result.image.shape == (32, 32, 3)
        assert result.indices is not None
        # Blocks are 16 pixels wide now, so only pixels next to a block's border are interpolated.
        same = (result.image[..., 0] == result.indices * 16).mean()
        assert same > 0.7
        assert len(np.unique(result.indices)) <= 9


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("factor", [1.13, 1.37, 1.71, 2.31])
def test_enlarged_labels_lie_where_the_image_is(factor: float, axis: int) -> None:
    places = np.indices((199, 199))[axis]
    image = np.stack([places.astype(np.float32)] * 3, axis=-1)
    align = ResolutionAlignment(1.0, (1.0, 1.0), upscale=(factor, factor))
    result = align(Sample(image, places.astype(np.uint8)), np.random.default_rng(0))
    assert result.indices is not None
    offset = (result.indices - result.pixels[..., 0])[5:-5, 5:-5] * factor  # in enlarged pixels
    assert abs(offset.mean()) < 0.02


def test_the_generator_decides_and_the_input_stays() -> None:
    image = np.random.default_rng(1).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    before = image.copy()
    align = ResolutionAlignment(1.0, (0.1, 0.9))
    one, same, other = (align(Sample(image), np.random.default_rng(seed)).image for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)
    np.testing.assert_array_equal(image, before)
