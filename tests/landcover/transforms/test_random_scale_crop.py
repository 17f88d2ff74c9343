import cv2
import numpy as np
import pytest

from landcover.transforms.random_scale_crop import RandomScaleCrop
from landcover.transforms.sample import Sample


def random_sample(height, width, bands=None, seed=0):
    rng = np.random.default_rng(seed)
    shape = (height, width) if bands is None else (height, width, bands)
    return Sample(rng.integers(1, 256, shape, np.uint8), rng.integers(0, 8, (height, width), np.uint8))


@pytest.mark.parametrize("bands", [None, 3])
@pytest.mark.parametrize("size", [(20, 30), (64, 64), (200, 40)])
def test_crops_have_the_asked_size_whatever_the_image(size, bands):
    sample, crop = random_sample(*size, bands), RandomScaleCrop(32)
    for seed in range(10):
        cut = crop(sample, np.random.default_rng(seed))
        assert cut.image.shape == ((32, 32) if bands is None else (32, 32, 3))
        assert cut.indices.shape == (32, 32)
        assert (cut.image.dtype, cut.indices.dtype) == (np.uint8, np.uint8)


def test_what_the_image_does_not_cover_is_zero_and_ignored():
    cut = RandomScaleCrop(8, scale=(1.0, 1.0))(random_sample(5, 6), np.random.default_rng(0))
    covered = np.zeros((8, 8), bool)
    covered[:5, :6] = True
    np.testing.assert_array_equal(cut.indices == 255, ~covered)
    np.testing.assert_array_equal(cut.image == 0, ~covered)


@pytest.mark.parametrize("factor", np.linspace(0.5, 2.0, 31))
def test_no_scale_leaves_a_border_when_the_image_is_large_enough(factor):
    cut = RandomScaleCrop(31, scale=(factor, factor))(random_sample(70, 70), np.random.default_rng(0))
    assert (cut.indices != 255).all() and (cut.image > 0).all()


def test_one_generator_gives_one_crop_and_the_image_stays_as_it_is():
    sample = random_sample(40, 40)
    before = sample.image.copy()
    first, again = (RandomScaleCrop(16)(sample, np.random.default_rng(5)) for _ in range(2))
    np.testing.assert_array_equal(first.image, again.image)
    np.testing.assert_array_equal(first.indices, again.indices)
    first.image[:] = 0
    np.testing.assert_array_equal(sample.image, before)


def test_places_and_scales_cover_their_range():
    rows = np.arange(100, dtype=np.float32)[:, None] + np.zeros((1, 100), np.float32)
    crop, rng = RandomScaleCrop(20), np.random.default_rng(0)  # by 0.5 to 2
    spans = [(cut.min(), cut.max() - cut.min()) for cut in (crop(Sample(rows), rng).image for _ in range(300))]
    tops, heights = np.array(spans).T
    assert tops.min() < 2 and tops.max() > 85
    assert 8.5 < heights.min() < 10 and 36 < heights.max() < 40


@pytest.mark.parametrize(("factor", "seed"), [(0.5, 1), (2.0, 3), (4.0, 3)])
def test_cropping_first_equals_scaling_the_whole_image_first(factor, seed):
    sample, window = random_sample(96, 96), round(32 / factor)
    cut = RandomScaleCrop(32, scale=(factor, factor), max_class_share=1.0)(sample, np.random.default_rng(seed))
    rng = np.random.default_rng(seed)
    rng.uniform()
    top, left = (int(rng.integers(96 - window + 1)) for _ in range(2))
    # half of an odd offset is between two pixels of the scaled image: it starts one pixel later
    start = np.s_[top % 2 : 96 - top % 2, left % 2 : 96 - left % 2] if factor < 1 else np.s_[:, :]
    scale = {"dsize": None, "fx": factor, "fy": factor}
    image = cv2.resize(sample.image[start], **scale, interpolation=cv2.INTER_LINEAR)
    indices = cv2.resize(sample.indices[start], **scale, interpolation=cv2.INTER_NEAREST_EXACT)
    row, column = int(top * factor), int(left * factor)
    area = np.s_[row : row + 32, column : column + 32]
    np.testing.assert_array_equal(cut.indices, indices[area])
    # at the window's border interpolation lacks the neighbours outside
    inside = np.s_[2:-2, 2:-2]
    assert np.abs(cut.image.astype(int) - image[area].astype(int))[inside].max() <= 1


@pytest.mark.parametrize("factor", [0.55, 0.8, 1.37, 1.9])
def test_any_scale_places_the_pixels_of_a_smooth_image_where_they_belong(factor):
    y, x = np.mgrid[:120, :120].astype(np.float32)
    ramp = 3 * y + 5 * x
    cut = RandomScaleCrop(40, scale=(factor, factor))(Sample(ramp), np.random.default_rng(1)).image
    rng = np.random.default_rng(1)
    rng.uniform()
    window = round(40 / factor)
    top, left = (int(rng.integers(120 - window + 1)) for _ in range(2))
    centres = (np.arange(40) + 0.5) * window / 40 - 0.5
    expected = 3 * (top + centres)[:, None] + 5 * (left + centres)[None]
    np.testing.assert_allclose(cut[2:-2, 2:-2], expected[2:-2, 2:-2], atol=0.01 * 8)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("factor", [0.6, 0.83, 1.13, 1.37, 1.71])
def test_labels_lie_where_the_image_is(factor, axis):
    places = np.indices((250, 250))[axis]
    sample = Sample(places.astype(np.float32), places.astype(np.uint8))
    # a prime: no pixel of the crop lies halfway between two of the tile
    cut = RandomScaleCrop(127, scale=(factor, factor), max_class_share=1.0)(sample, np.random.default_rng(0))
    inside = np.s_[5:-5, 5:-5]  # at its border an image can not be interpolated
    offset = (cut.indices.astype(float) - cut.image)[inside]  # in pixels of the tile
    assert abs(offset.mean() * factor) < 0.02
    assert np.abs(offset).max() < 0.51  # the nearest


def test_a_crop_of_almost_one_class_is_drawn_again():
    indices = np.zeros((60, 60), np.uint8)
    indices[:, 40:] = np.arange(60)[:, None] % 4
    sample = Sample(np.zeros((60, 60), np.uint8), indices)

    def largest_shares(crop):
        cuts = (crop(sample, np.random.default_rng(seed)).indices for seed in range(60))
        return np.array([np.bincount(cut.ravel()).max() / cut.size for cut in cuts])

    assert (largest_shares(RandomScaleCrop(20, (1.0, 1.0), max_class_share=1.0)) == 1).mean() > 0.3
    assert (largest_shares(RandomScaleCrop(20, (1.0, 1.0), max_class_share=0.75, tries=100)) <= 0.75).all()
    # one class everywhere: the last try is taken
    assert largest_shares(RandomScaleCrop(20, (1.0, 1.0), max_class_share=0.0, tries=3)).shape == (60,)


def test_ignored_pixels_do_not_count_as_a_class():
    indices = np.full((40, 40), 255, np.uint8)
    indices[:, ::10] = np.arange(40)[:, None] % 2
    sample, tries = Sample(np.zeros((40, 40), np.uint8), indices), 5

    class Counting:
        draws = 0

        def __init__(self):
            self.rng = np.random.default_rng(0)

        def uniform(self, low, high):
            return self.rng.uniform(low, high)

        def integers(self, stop):
            Counting.draws += 1
            return self.rng.integers(stop)

    RandomScaleCrop(20, (1.0, 1.0), max_class_share=0.6, tries=tries)(sample, Counting())
    assert Counting.draws == 2
    nothing = Sample(sample.image, np.full((40, 40), 255, np.uint8))
    assert (RandomScaleCrop(20, max_class_share=0.6)(nothing, np.random.default_rng(0)).indices == 255).all()


def patch_sample(size=60, patch=10):
    """Class 0 above class 1, and a patch of class 7 in a corner; all blocks large enough to survive shrinking."""
    indices = np.zeros((size, size), np.uint8)
    indices[size // 2 :] = 1
    indices[:patch, -patch:] = 7
    return Sample(np.zeros((size, size), np.uint8), indices)


@pytest.mark.parametrize(("factor", "enough"), [(0.5, 20), (1.0, 60), (2.0, 150)])
def test_a_crop_without_enough_of_the_wanted_class_is_drawn_again(factor, enough):
    def counts(wanted, tries):
        crop = RandomScaleCrop(20, (factor, factor), max_class_share=1.0, tries=tries, min_class_pixels=enough)
        cuts = (crop(patch_sample(), np.random.default_rng(seed), wanted).indices for seed in range(40))
        return np.array([np.count_nonzero(cut == 7) for cut in cuts])

    assert (counts(None, 1000) < enough).mean() > 0.5
    # pixels of the crop count, after scaling, and not those of the tile
    assert (counts(7, 3000) >= enough).all()
    assert (counts(7, 1) < enough).mean() > 0.5


def test_exactly_the_least_number_of_wanted_pixels_is_enough():
    sample = random_sample(30, 30)
    sample.indices[:] = 0
    sample.indices[13:16, 13:16] = 7  # in every crop of 20
    for seed in range(20):
        first, accepted = (
            RandomScaleCrop(20, (1.0, 1.0), max_class_share=1.0, tries=tries, min_class_pixels=9)(
                sample, np.random.default_rng(seed), wanted=7
            )
            for tries in (1, 100)
        )
        np.testing.assert_array_equal(first.image, accepted.image)


def test_the_wanted_class_and_the_class_share_hold_both():
    crop = RandomScaleCrop(30, (1.0, 1.0), max_class_share=0.7, tries=3000, min_class_pixels=5)
    for seed in range(20):
        counts = np.bincount(crop(patch_sample(), np.random.default_rng(seed), 7).indices.ravel(), minlength=8)
        assert counts[7] >= 5 and counts.max() <= 0.7 * 900


def test_wanting_nothing_changes_nothing():
    sample = random_sample(90, 90)
    for seed in range(20):
        plain, unused = (
            RandomScaleCrop(16, min_class_pixels=pixels)(sample, np.random.default_rng(seed)) for pixels in (0, 10**6)
        )
        np.testing.assert_array_equal(plain.image, unused.image)
        np.testing.assert_array_equal(plain.indices, unused.indices)


@pytest.mark.parametrize("limit", [0.4, 0.55, 0.75])
def test_a_place_is_refused_exactly_where_a_histogram_says_that_one_class_takes_too_much(limit):
    rng, answers = np.random.default_rng(0), []
    for case in range(300):
        indices = rng.choice(9, (40, 40), p=rng.dirichlet(np.full(9, 0.4))).astype(np.uint8)
        indices[indices == 8] = 255
        if case % 3 == 0:
            indices[:: max(1, case % 7)] = case % 8  # sparse pixels show another class than all of them
        counts = np.bincount(indices[indices != 255], minlength=8)
        expected = counts.max() > limit * counts.sum()
        answers.append(expected)
        assert RandomScaleCrop(40, max_class_share=limit)._accepts(indices, (40, 40), None) == (not expected)
    assert 30 < sum(answers) < 270


def test_a_place_is_refused_at_more_than_the_share_and_not_at_the_share():
    indices = np.zeros((40, 40), np.uint8)
    indices[30:] = 3
    assert RandomScaleCrop(40, max_class_share=0.75)._accepts(indices, (40, 40), None)
    indices[30, 0] = 0
    assert not RandomScaleCrop(40, max_class_share=0.75)._accepts(indices, (40, 40), None)
    indices[0] = 255  # of 1560 labelled pixels now 1161
    assert RandomScaleCrop(40, max_class_share=0.75)._accepts(indices, (40, 40), None)
