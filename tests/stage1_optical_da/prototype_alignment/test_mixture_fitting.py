import pytest
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from stage1_optical_da.prototype_alignment.mixture_fitting import balanced_responsibilities, fit, moments, moved

FLOOR = 1e-3


def places_apart(count: int, width: int, generator: torch.Generator) -> Tensor:
    """(count, width) points of a cube of side 2, no two nearer than 0.6."""
    places = torch.empty(0, width)
    while len(places) < count:
        place = 2 * torch.rand(1, width, generator=generator) - 1
        if (torch.cdist(place, places) > 0.6).all():
            places = torch.cat([places, place])
    return places


def planted(classes: int, components: int, pixels: int, width: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (C, K pixels, d) of Gaussians, in random order, and the means and deviations of these (C, K, d)."""
    generator = torch.Generator().manual_seed(seed)
    means = torch.stack([places_apart(components, width, generator) for _ in range(classes)])
    deviations = 0.05 + 0.1 * torch.rand(means.shape, generator=generator)
    noise = torch.randn(classes, components, pixels, width, generator=generator)
    values = means[:, :, None] + deviations[:, :, None] * noise
    order = torch.randperm(components * pixels, generator=generator)
    return values.flatten(1, 2)[:, order], means, deviations


@pytest.mark.parametrize("seed", range(10))
def test_em_finds_planted_mixtures(seed: int) -> None:
    pixels, means, deviations = planted(classes=3, components=4, pixels=200, width=4, seed=seed)
    found, variances = fit(pixels, torch.ones(pixels.shape[:2], dtype=torch.bool), 4, FLOOR)
    for ours, spread, true, deviation in zip(found, variances, means, deviations, strict=True):
        pairs = linear_sum_assignment(torch.cdist(true, ours).numpy())
        assert (ours[pairs[1]] - true).abs().max() < 0.05
        assert (spread[pairs[1]].sqrt() / deviation - 1).abs().max() < 0.25


def test_one_component_is_the_mean_and_the_variance_of_the_class() -> None:
    pixels = torch.randn(2, 50, 3, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 0.5, 0.2]) + 0.3
    valid = torch.ones(2, 50, dtype=torch.bool)
    valid[1, 30:] = False
    means, variances = fit(pixels, valid, 1, FLOOR)
    for number, count in enumerate((50, 30)):
        taken = pixels[number, :count]
        torch.testing.assert_close(means[number, 0], taken.mean(0), rtol=0, atol=1e-5)
        torch.testing.assert_close(variances[number, 0], taken.var(0, correction=0), rtol=1e-4, atol=1e-5)


def test_classes_with_few_pixels_or_none_stay_finite() -> None:
    pixels = torch.randn(3, 20, 4, generator=torch.Generator().manual_seed(0))
    valid = torch.zeros(3, 20, dtype=torch.bool)
    valid[1, :2], valid[2] = True, True
    means, variances = fit(pixels, valid, 5, FLOOR)
    assert means.isfinite().all() and variances.isfinite().all() and (variances >= FLOOR).all()
    assert (means[0] == 0).all() and torch.allclose(variances[0], torch.tensor(FLOOR))
    assert pixels[1, :2].min() <= means[1].min() and means[1].max() <= pixels[1, :2].max()
    alone, _ = fit(pixels[2:], valid[2:], 5, FLOOR)
    torch.testing.assert_close(means[2], alone[0], rtol=0, atol=1e-2)


def test_pixels_that_are_all_alike_have_the_least_variance() -> None:
    means, variances = fit(torch.full((1, 30, 4), 0.5), torch.ones(1, 30, dtype=torch.bool), 3, FLOOR)
    torch.testing.assert_close(means, torch.full((1, 3, 4), 0.5))
    torch.testing.assert_close(variances, torch.full((1, 3, 4), FLOOR))


def test_components_get_equal_shares_of_the_pixels_even_if_one_is_better_for_all() -> None:
    pixels = torch.linspace(-1, 1, 30)[None, :, None]
    means, variances = torch.tensor([[[0.0], [5.0]]]), torch.ones(1, 2, 1)
    found = balanced_responsibilities(pixels, torch.ones(1, 30, dtype=torch.bool), means, variances)
    torch.testing.assert_close(found.sum(1), torch.tensor([[15.0, 15.0]]), rtol=0, atol=1e-2)
    assert found[0, 0, 0] > 0.9 and found[0, -1, 1] > 0.9


def test_moments_are_weighted() -> None:
    pixels = torch.tensor([[[0.0], [2.0], [10.0]]])
    means, variances = moments(pixels, torch.tensor([[[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]]]), FLOOR)
    torch.testing.assert_close(means, torch.tensor([[[1.0], [0.0]]]))
    torch.testing.assert_close(variances, torch.tensor([[[1.0], [FLOOR]]]))


def test_a_gaussian_moves_to_the_moments_of_both_together() -> None:
    generator = torch.Generator().manual_seed(0)
    first, second = torch.randn(3000, 2, generator=generator), 3 + 0.5 * torch.randn(1000, 2, generator=generator)
    before, after = ((values.mean(0)[None], values.var(0, correction=0)[None]) for values in (first, second))
    means, variances = moved(*before, after, torch.tensor(0.25), FLOOR)
    both = torch.cat([first, second])
    torch.testing.assert_close(means[0], both.mean(0))
    torch.testing.assert_close(variances[0], both.var(0, correction=0))
    same = moved(*before, after, torch.tensor(0.0), FLOOR)
    assert torch.equal(same[0], before[0]) and torch.equal(same[1], before[1])
