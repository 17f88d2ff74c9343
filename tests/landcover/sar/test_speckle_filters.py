import numpy as np
import pytest
import torch
import torch.nn.functional as F

from landcover.sar.speckle_filters import lee, refined_lee

LOOKS = 4.0

# The half-windows of the paper: masks of the 7x7 window on the two sides of an edge in each of four directions.
ROWS, COLUMNS = np.indices((7, 7))
HALVES = {
    "vertical": (COLUMNS <= 3, COLUMNS >= 3),
    "main diagonal": (COLUMNS <= ROWS, COLUMNS >= ROWS),
    "horizontal": (ROWS <= 3, ROWS >= 3),
    "other diagonal": (ROWS + COLUMNS <= 6, ROWS + COLUMNS >= 6),
}
GRADIENTS = {
    "vertical": ([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], (1, 0), (1, 2)),
    "main diagonal": ([[0, 1, 1], [-1, 0, 1], [-1, -1, 0]], (2, 0), (0, 2)),
    "horizontal": ([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], (0, 1), (2, 1)),
    "other diagonal": ([[1, 1, 0], [1, 0, -1], [0, -1, -1]], (0, 0), (2, 2)),
}


def plain_estimate(values, centre, looks):
    mean, variance = values.mean(), values.var()
    signal = max(0.0, (variance - mean**2 / looks) / (1 + 1 / looks))
    return mean + (signal / variance if variance > 0 else 0.0) * (centre - mean)


def plain_lee(image, window, looks):
    padded = np.pad(image.astype(np.float64), window // 2, mode="reflect")
    result = np.empty(image.shape)
    for row, column in np.ndindex(image.shape):
        result[row, column] = plain_estimate(
            padded[row : row + window, column : column + window], float(image[row, column]), looks
        )
    return result


def plain_refined_lee(image, looks):
    padded = np.pad(image.astype(np.float64), 3, mode="reflect")
    result = np.empty(image.shape)
    for row, column in np.ndindex(image.shape):
        window = padded[row : row + 7, column : column + 7]
        # sums: whole numbers stay exact, so that ties by reflection are ties here and there
        sums = np.array([[window[r : r + 3, c : c + 3].sum() for c in (0, 2, 4)] for r in (0, 2, 4)])
        direction = max(GRADIENTS, key=lambda name: abs((np.array(GRADIENTS[name][0]) * sums).sum()))
        _, first, second = GRADIENTS[direction]
        side = int(abs(sums[second] - sums[1, 1]) < abs(sums[first] - sums[1, 1]))
        result[row, column] = plain_estimate(window[HALVES[direction][side]], float(image[row, column]), looks)
    return result


def speckled(reflectivity, looks=LOOKS, seed=0):
    speckle = np.random.default_rng(seed).gamma(looks, 1 / looks, reflectivity.shape)
    return torch.from_numpy((reflectivity * speckle).astype(np.float32))


def two_fields():
    reflectivity = np.full((64, 64), 100.0)
    reflectivity[:, 32:] = 900.0
    return reflectivity


def images():
    rng = np.random.default_rng(1)
    return {
        "speckle": speckled(np.full((17, 23), 50.0)).round(),
        "edge": speckled(two_fields()[:20, 20:45]).round(),
        "grey values": torch.from_numpy(rng.integers(0, 256, (12, 15)).astype(np.float32) ** 2),
        "smaller than a window": speckled(np.full((3, 8), 50.0)).round(),
        "one row": speckled(np.full((1, 2), 50.0)).round(),
        "mostly zero": torch.from_numpy((rng.random((14, 14)) < 0.05).astype(np.float32) * 1000),
    }


@pytest.mark.parametrize("name", images())
@pytest.mark.parametrize(("window", "looks"), [(3, 1.0), (7, 4.0), (5, 20.0)])
def test_lee_is_the_estimate_of_every_window_alone(name, window, looks):
    image = images()[name]
    expected = plain_lee(image.numpy(), window, looks)
    result = lee(image, window, looks)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, rtol=2e-5, atol=2e-5 * expected.max())


@pytest.mark.parametrize("name", images())
@pytest.mark.parametrize("looks", [1.0, 4.0, 20.0])
def test_refined_lee_is_the_estimate_of_every_half_window_alone(name, looks):
    image = images()[name]
    expected = plain_refined_lee(image.numpy(), looks)
    result = refined_lee(image, looks)
    assert result.dtype == torch.float32
    np.testing.assert_allclose(result.numpy(), expected, rtol=2e-5, atol=2e-5 * expected.max())


@pytest.mark.parametrize("despeckle", [lee, refined_lee])
@pytest.mark.parametrize("value", [0.0, 3e-6, 0.7, 65025.0])
def test_a_constant_image_stays_constant(despeckle, value):
    image = torch.full((1, 1, 12, 9), value)
    torch.testing.assert_close(despeckle(image), image, rtol=1e-6, atol=0)


@pytest.mark.parametrize(("despeckle", "at_least"), [(lee, 20), (refined_lee, 8)])
def test_homogeneous_speckle_keeps_its_mean_and_loses_its_variance(despeckle, at_least):
    image = speckled(np.full((256, 256), 80.0))
    result = despeckle(image, looks=LOOKS)
    # the mean of 65,536 pixels of 4 looks deviates by 0.2 %
    assert float(result.mean()) == pytest.approx(float(image.mean()), rel=0.01)
    assert float(image.var() / result.var()) > at_least


def test_refined_lee_keeps_an_edge_that_the_mean_blurs():
    reflectivity = two_fields()
    image = speckled(reflectivity)
    refined = refined_lee(image, LOOKS)
    mean = F.avg_pool2d(F.pad(image[None], (3, 3, 3, 3), mode="reflect"), 7, stride=1)[0]
    beside = [result[:, 32].mean() - result[:, 31].mean() for result in (refined, mean)]
    assert beside[0] > 0.75 * 800 and beside[1] < 0.25 * 800
    near = slice(29, 35)  # where the 7x7 window reaches over the edge
    truth = torch.from_numpy(reflectivity)[:, near]
    errors = [(result[:, near] - truth).square().mean() for result in (refined, mean)]
    assert errors[0] < 0.25 * errors[1]


@pytest.mark.parametrize("despeckle", [lee, refined_lee])
def test_more_looks_smooth_less(despeckle):
    image = speckled(two_fields(), looks=1.0)
    few, many = despeckle(image, looks=1.0), despeckle(image, looks=100.0)
    assert (few - image).square().mean() > 2 * (many - image).square().mean()


@pytest.mark.parametrize("despeckle", [lee, refined_lee])
def test_images_of_a_batch_do_not_see_each_other_and_the_input_stays(despeckle):
    batch = torch.stack([speckled(np.full((16, 20), 50.0), seed=seed) for seed in range(3)])[:, None]
    before = batch.clone()
    result = despeckle(batch)
    assert result.shape == (3, 1, 16, 20)
    for image, expected in zip(batch, result, strict=True):
        assert torch.equal(despeckle(image), expected) and torch.equal(despeckle(image[0]), expected[0])
    assert torch.equal(batch, before)


def test_autocast_does_not_change_the_result():
    image = speckled(two_fields())
    expected = refined_lee(image), lee(image)
    with torch.autocast("cpu", torch.bfloat16):
        result = refined_lee(image), lee(image)
    assert torch.equal(result[0], expected[0]) and torch.equal(result[1], expected[1])
