import os

import albumentations
import numpy as np
import pytest

from landcover.errors import InputError
from landcover.transforms.albumentation import Albumentation
from landcover.transforms.sample import Sample

FLIPS = [{"type": "HorizontalFlip", "p": 0.5}, {"type": "VerticalFlip", "p": 0.5}]


@pytest.fixture
def corners():
    """1 2 / 3 4 as image and as indices."""
    image = np.array([[1, 2], [3, 4]], np.uint8)
    return Sample(image, image + np.uint8(10))


def test_the_same_generator_gives_the_same_sample_and_leaves_the_input_alone(corners):
    chain = Albumentation([*FLIPS, {"type": "RandomBrightnessContrast", "p": 1.0}])
    for seed in range(5):
        first, again = (chain(corners, np.random.default_rng(seed)) for _ in range(2))
        np.testing.assert_array_equal(first.image, again.image)
        np.testing.assert_array_equal(first.indices, again.indices)
    np.testing.assert_array_equal(corners.image, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(corners.indices, [[11, 12], [13, 14]])


def test_two_flips_are_drawn_independently(corners):
    chain, rng = Albumentation(FLIPS), np.random.default_rng(0)
    upper_left = [int(chain(corners, rng).image[0, 0]) for _ in range(400)]
    # 400 draws of four equally likely flips: 100 each, standard deviation 8.7
    assert all(60 < upper_left.count(value) < 140 for value in (1, 2, 3, 4))


def test_indices_follow_the_geometry_but_not_the_colours(corners):
    flips, rng = Albumentation(FLIPS), np.random.default_rng(0)
    for _ in range(20):
        sample = flips(corners, rng)
        np.testing.assert_array_equal(sample.indices, sample.image + 10)
    brighter = Albumentation([{"type": "RandomBrightnessContrast", "brightness_limit": (0.2, 0.2), "p": 1.0}])
    sample = brighter(corners, rng)
    np.testing.assert_array_equal(sample.indices, corners.indices)
    assert (sample.image > corners.image).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 2), (6, 4, 3), (6, 4, 5)])
@pytest.mark.parametrize("name", ["HorizontalFlip", "VerticalFlip", "RandomRotate90"])
def test_flips_and_quarter_turns_are_those_of_albumentations(name, shape, dtype):
    sample = Sample(
        (1000 * np.random.default_rng(0).random(shape)).astype(dtype), np.arange(24, dtype=np.uint8).reshape(6, 4)
    )

    def outcomes(transformed):
        found = [transformed() for _ in range(40)]
        assert all(image.flags.c_contiguous and image.dtype == dtype for image, _ in found)
        return {(image.shape, image.tobytes(), indices.tobytes()) for image, indices in found}

    chain = albumentations.Compose([getattr(albumentations, name)(p=0.7)], seed=0)
    ours, rng = Albumentation([{"type": name, "p": 0.7}]), np.random.default_rng(0)

    def by_us():
        turned = ours(sample, rng)
        return turned.image, turned.indices

    def by_albumentations():
        turned = chain(image=sample.image, mask=sample.indices)
        return np.ascontiguousarray(turned["image"]), turned["mask"]

    assert outcomes(by_us) == outcomes(by_albumentations)


def test_quarter_turns_are_drawn_evenly_and_as_often_as_asked(corners):
    turn, rng = Albumentation([{"type": "RandomRotate90", "p": 0.8}]), np.random.default_rng(0)
    upper_left = [int(turn(corners, rng).image[0, 0]) for _ in range(400)]
    # three turns of 80 each, and 160 times none: standard deviations 8 and 9.8
    assert 120 < upper_left.count(1) < 200
    assert all(48 < upper_left.count(value) < 112 for value in (2, 3, 4))


@pytest.mark.parametrize("shape", [(6, 4), (6, 4, 2), (6, 4, 3), (6, 4, 5)])
def test_shapes_types_and_unlabelled_images_are_kept(shape):
    image = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sample = Albumentation([{"type": "HorizontalFlip", "p": 1.0}])(Sample(image), np.random.default_rng(0))
    assert sample.indices is None and sample.image.dtype == np.uint8 and sample.image.flags.c_contiguous
    np.testing.assert_array_equal(sample.image, image[:, ::-1])


def test_colours_of_an_unlabelled_image_change_as_those_of_a_labelled_one():
    jitter = Albumentation([{"type": "ColorJitter", "p": 1.0}, *FLIPS])
    image = np.random.default_rng(0).integers(0, 256, (6, 4, 3), np.uint8)
    for seed in range(5):
        unlabelled = jitter(Sample(image), np.random.default_rng(seed))
        labelled = jitter(Sample(image, np.zeros((6, 4), np.uint8)), np.random.default_rng(seed))
        assert unlabelled.indices is None and not np.isin(unlabelled.image, image).all()
        np.testing.assert_array_equal(unlabelled.image, labelled.image)


def test_albumentations_does_not_ask_the_package_index_for_news():
    assert os.environ["NO_ALBUMENTATIONS_UPDATE"] == "1"


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_flips_of_other_sar_types_keep_their_values(dtype):
    image = (1000 * np.random.default_rng(0).random((5, 4))).astype(dtype)
    sample = Albumentation([{"type": "VerticalFlip", "p": 1.0}])(Sample(image), np.random.default_rng(0))
    np.testing.assert_array_equal(sample.image, image[::-1])


@pytest.mark.parametrize("settings", [{"type": "HorizontalFlop"}, {"p": 0.5}])
def test_an_unknown_transform_is_refused_by_name(settings):
    with pytest.raises(InputError, match=rf"augmentation {settings.get('type')!r}: expected the name of an albument"):
        Albumentation([settings])


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_grey_values_beyond_uint8_are_refused_where_they_would_be_clipped(dtype):
    image = np.full((8, 8), 200, dtype)
    jitter = Albumentation([{"type": "RandomBrightnessContrast", "p": 1.0}])
    with pytest.raises(InputError, match="RandomBrightnessContrast: expected uint8 images, found " + dtype.__name__):
        jitter(Sample(image), np.random.default_rng(0))


@pytest.mark.parametrize(
    "resizing",
    [
        {"type": "Resize", "height": 166, "width": 166},
        {"type": "RandomScale", "scale_limit": (0.37, 0.37)},
        {"type": "RandomResizedCrop", "size": (120, 120), "scale": (0.3, 0.3)},
        {"type": "CropAndPad", "percent": -0.12},
        {"type": "Affine", "scale": (1.37, 1.37)},  # warps: right by itself
    ],
)
def test_labels_lie_where_the_image_is_after_resizing(resizing):
    places = np.indices((240, 240))[1].astype(np.uint8)
    chain = Albumentation([{**resizing, "p": 1.0}, {"type": "HorizontalFlip", "p": 1.0}])
    result = chain(Sample(places, places), np.random.default_rng(0))
    # the image has whole numbers too
    assert abs((result.indices.astype(float) - result.image)[20:-20, 20:-20].mean()) < 0.15


def test_an_interpolation_of_labels_that_is_asked_for_is_used():
    places = np.indices((240, 240))[1].astype(np.uint8)
    floor = Albumentation([{"type": "Resize", "height": 166, "width": 166, "mask_interpolation": 0, "p": 1.0}])
    result = floor(Sample(places, places), np.random.default_rng(0))
    np.testing.assert_array_equal(result.indices[0], np.arange(166) * 240 // 166)
