import torch
from torchvision.transforms import v2

from stage1_optical_da.strong_augmentation import StrongAugmentation


def generators(count: int) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed) for seed in range(count)]


def random_images(count: int = 2, side: int = 16) -> torch.Tensor:
    return 255 * torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0))


def test_without_probability_images_stay_as_they_are() -> None:
    images = random_images()
    assert torch.equal(StrongAugmentation(jitter_probability=0.0, blur_probability=0.0)(images, generators(2)), images)


def test_blur_of_a_point_is_a_gaussian_that_keeps_the_sum() -> None:
    image = torch.zeros(1, 3, 15, 15)
    image[..., 7, 7] = 100.0
    blurred = StrongAugmentation(jitter_probability=0.0, blur_probability=1.0, blur_sigma=(1.0, 1.0))(
        image, generators(1)
    )
    distance = torch.arange(-3, 4).float()
    kernel = torch.exp(-(distance**2) / 2)
    kernel /= kernel.sum()
    torch.testing.assert_close(blurred[0, 1, 4:11, 4:11], 100 * kernel[:, None] * kernel, rtol=0, atol=1e-4)
    torch.testing.assert_close(blurred.sum((2, 3)), torch.full((1, 3), 100.0), rtol=0, atol=1e-3)


def test_blur_leaves_grey_as_it_is() -> None:
    grey = torch.full((1, 3, 9, 9), 50.0)
    blurred = StrongAugmentation(jitter_probability=0.0, blur_probability=1.0)(grey, generators(1))
    torch.testing.assert_close(blurred, grey, rtol=0, atol=1e-4)


def test_by_default_a_fifth_of_the_images_is_jittered_and_half_of_them_blurred() -> None:
    grey, point = torch.full((1000, 3, 8, 8), 50.0), torch.zeros(1000, 3, 9, 9)
    point[..., 4, 4] = 1e-3  # for jitter, as good as black
    changed = [
        ((images - StrongAugmentation()(images, generators(1000))).abs().amax((1, 2, 3)) > limit).float().mean().item()
        for images, limit in ((grey, 0.1), (point, 1e-8))
    ]
    assert abs(changed[0] - 0.2) < 0.05  # blur leaves grey as it is
    assert abs(changed[1] - 0.6) < 0.05  # either


def test_blur_is_drawn_from_the_whole_range_for_every_image() -> None:
    points = torch.zeros(400, 3, 25, 25)
    points[..., 12, 12] = 1.0
    augment = StrongAugmentation(jitter_probability=0.0, blur_probability=1.0, blur_sigma=(1.0, 3.0))
    blurred = augment(points, generators(400))
    squared_distance = (torch.arange(25.0) - 12) ** 2
    sigma = (blurred[:, 0].sum(1) @ squared_distance).sqrt() / 0.9866  # of a Gaussian cut at three deviations
    assert abs(sigma.min() - 1.0) < 0.05 and abs(sigma.max() - 3.0) < 0.05
    # Uniform: as many in each quarter of the range.
    assert [abs(count - 100) < 30 for count in torch.histc(sigma, 4, 1.0, 3.0).tolist()] == [True] * 4


def test_jitter_changes_colours_within_0_and_255_and_never_the_input() -> None:
    images = random_images(8)
    before = images.clone()
    augment = StrongAugmentation(jitter_probability=1.0, blur_probability=0.0, jitter_strength=0.5)
    jittered = augment(images, generators(8))
    assert torch.equal(images, before)
    assert jittered.min() >= 0 and jittered.max() <= 255
    assert ((jittered - images).abs().mean((1, 2, 3)) > 1).all()


def test_draws_of_an_image_depend_on_its_own_generator_alone() -> None:
    images = random_images(1).repeat(20, 1, 1, 1)
    augment = StrongAugmentation(jitter_probability=0.5, blur_probability=0.5)
    one = augment(images, generators(20))
    alone = [augment(images[:1], [generator])[0] for generator in generators(20)]
    assert torch.equal(torch.stack(alone), one)
    assert len({image.sum().item() for image in one}) > 5


def test_the_given_share_of_images_is_blurred() -> None:
    images = random_images(1, 8).repeat(1000, 1, 1, 1)
    augmented = StrongAugmentation(jitter_probability=0.0, blur_probability=0.3, blur_sigma=(1.0, 1.0))(
        images, generators(1000)
    )
    share = (augmented != images).flatten(1).any(1).float().mean()
    assert abs(share.item() - 0.3) < 0.05


def test_jitter_equals_torchvisions_with_the_same_factors() -> None:
    image = random_images(1)[0] / 255
    augment = StrongAugmentation(jitter_strength=0.2)
    seen = augment._jitter(image, torch.Generator().manual_seed(3))
    generator = torch.Generator().manual_seed(3)
    brightness, contrast, saturation, hue = ((2 * torch.rand(4, generator=generator) - 1) * 0.2).tolist()
    changes = [
        v2.ColorJitter(brightness=(1 + brightness, 1 + brightness)),
        v2.ColorJitter(contrast=(1 + contrast, 1 + contrast)),
        v2.ColorJitter(saturation=(1 + saturation, 1 + saturation)),
        v2.ColorJitter(hue=(hue, hue)),
    ]
    expected = image
    for index in torch.randperm(4, generator=generator).tolist():
        expected = changes[index](expected)
    torch.testing.assert_close(seen, expected, rtol=0, atol=1e-6)


def test_under_autocast_images_stay_float32() -> None:
    images = random_images(4)
    augment = StrongAugmentation(jitter_probability=0.5, blur_probability=1.0)
    expected = augment(images, generators(4))
    with torch.autocast("cpu", torch.bfloat16):
        found = augment(images, generators(4))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
