from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from landcover.errors import InputError
from landcover.labels.transported import transported

BOUNDS = torch.tensor([0.5, 0.3, 0.25, 0.2])


def random_probabilities(*shape: int, seed: int = 0) -> Tensor:
    """(B, C, H, W), sum 1 over the classes."""
    return (2 * torch.randn(shape, generator=torch.Generator().manual_seed(seed))).softmax(1)


def sinkhorn_with_slack(
    probabilities: NDArray[np.float64], mass: NDArray[np.float64], bounds: NDArray[np.float64], fraction: float
) -> NDArray[np.float64]:
    """Shares of rows (N, C) of some mass in classes, by Sinkhorn's iteration with slack as one more row and class."""
    rows = np.append(mass / mass.sum(), bounds.sum() - fraction)
    columns = np.append(bounds, 1 - fraction)
    kernel = np.ones((len(rows), len(columns)))
    kernel[:-1, :-1], kernel[-1, -1] = probabilities, 0
    factors = np.ones(len(columns))
    for _ in range(3000):
        of_rows = rows / (kernel @ factors)
        factors = columns / (of_rows @ kernel)
    plan: NDArray[np.float64] = of_rows[:, None] * kernel * factors
    return plan[:-1, :-1] / rows[:-1, None]


def by_hand(
    probabilities: NDArray[np.float64],
    valid: NDArray[np.bool_],
    regions: NDArray[np.int64],
    fraction: float,
    weight: float,
) -> NDArray[np.float64]:
    """What `transported` computes of one image (C, H, W), one region after the other in float64."""
    bounds = BOUNDS.double().numpy()
    found = np.zeros_like(probabilities)
    pixels = probabilities[:, valid].T
    found[:, valid] = (1 - weight) * sinkhorn_with_slack(pixels, np.ones(len(pixels)), bounds, fraction).T
    inside = [valid & (regions == number) for number in np.unique(regions[valid])]
    means = np.array([probabilities[:, mask].mean(1) for mask in inside])
    of_regions = sinkhorn_with_slack(means, np.array([mask.sum() for mask in inside], float), bounds, fraction)
    for mask, row in zip(inside, of_regions, strict=True):
        found[:, mask] += weight * row[:, None]
    return found


@pytest.mark.parametrize("fraction", [0.6, 1.0])
def test_pixels_and_regions_are_transported_as_by_hand_in_float64(fraction: float) -> None:
    probabilities = random_probabilities(2, 4, 7, 9)
    generator = torch.Generator().manual_seed(1)
    regions = torch.randint(0, 6, (2, 7, 9), generator=generator) * 3  # numbers without pixels between them
    valid = torch.rand(2, 7, 9, generator=generator) < 0.8
    logarithms = probabilities.log().masked_fill(~valid[:, None], torch.nan)
    found = transported(logarithms, BOUNDS, fraction, valid, regions, region_weight=0.3)
    for image in range(2):
        expected = by_hand(
            probabilities[image].double().numpy(), valid[image].numpy(), regions[image].numpy(), fraction, 0.3
        )
        np.testing.assert_allclose(found[image].numpy(), expected, atol=3e-4)


def test_bounds_and_the_allocated_fraction_are_met_by_both_levels_together() -> None:
    bounds = torch.tensor([[0.5, 0.3, 0.25, 0.0], [0.1, 0.4, 0.5, 0.3]])
    valid = torch.ones(2, 20, 30, dtype=torch.bool)
    valid[:, :5] = False
    found = transported(random_probabilities(2, 4, 20, 30).log(), bounds, 0.9, valid, regions=7)
    shares = found.sum((2, 3)) / valid.sum((1, 2))[:, None]
    assert (shares <= bounds + 1e-4).all()
    torch.testing.assert_close(shares.sum(1), torch.full((2,), 0.9), rtol=0, atol=1e-4)
    assert found.min() >= 0 and found.sum(1).max() <= 1 + 1e-5
    assert found[:, :, :5].abs().sum() == 0 and found[0, 3].abs().sum() == 0


def test_bounds_equally_far_above_the_shares_of_the_probabilities_change_nothing() -> None:
    probabilities = random_probabilities(1, 4, 16, 16)
    bounds = probabilities.mean((2, 3)) + 0.1
    found = transported(probabilities.log(), bounds, region_weight=0.0)
    torch.testing.assert_close(found, probabilities, rtol=0, atol=1e-3)


def test_cells_are_the_regions_of_their_side() -> None:
    logarithms = random_probabilities(2, 4, 5, 8).log()
    cells = torch.tensor([[0, 0, 0, 1, 1, 1, 2, 2]] * 3 + [[3, 3, 3, 4, 4, 4, 5, 5]] * 2)
    expected = transported(logarithms, BOUNDS, regions=cells.expand(2, -1, -1), region_weight=1.0)
    found = transported(logarithms, BOUNDS, regions=3, region_weight=1.0)
    assert torch.equal(found, expected)
    assert torch.equal(found[:, :, :3, :3], found[:, :, :1, :1].expand(-1, -1, 3, 3))  # one answer for a region


def test_a_region_carries_a_pixel_that_is_wrong_alone() -> None:
    probabilities = torch.tensor([0.8, 0.2])[None, :, None, None].repeat(1, 1, 8, 8)
    probabilities[:, :, 4:] = probabilities[:, :, 4:].flip(1)
    probabilities[0, :, 2, 3] = torch.tensor([0.45, 0.55])
    bounds = torch.tensor([0.6, 0.6])
    alone = transported(probabilities.log(), bounds, regions=4, region_weight=0.0)
    together = transported(probabilities.log(), bounds, regions=4)
    assert alone[0, :, 2, 3].argmax() == 1 and together[0, :, 2, 3].argmax() == 0


def test_images_do_not_know_of_each_other_and_one_without_pixels_is_zero() -> None:
    logarithms = random_probabilities(3, 4, 12, 12).log().requires_grad_()
    valid = torch.ones(3, 12, 12, dtype=torch.bool)
    valid[1] = False
    found = transported(logarithms, BOUNDS, 0.8, valid, regions=4)
    assert found.grad_fn is None and found[1].abs().sum() == 0
    for image in (0, 2):
        alone = transported(logarithms[image : image + 1], BOUNDS, 0.8, regions=4)
        torch.testing.assert_close(found[image : image + 1], alone, rtol=0, atol=1e-3)


def test_a_class_of_which_every_pixel_is_sure_that_it_is_not_stays_finite() -> None:
    logarithms = random_probabilities(1, 4, 8, 8).log()
    logarithms[:, 2] = -torch.inf
    found = transported(logarithms, BOUNDS, regions=4)
    assert found.isfinite().all() and found[:, 2].max() <= 1e-3
    half = transported(logarithms.bfloat16(), BOUNDS, regions=4)
    assert half.dtype == torch.float32 and half.isfinite().all()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"region_weight": 1.5}, r"region_weight: expected a number from 0 to 1, found 1.5"),
        ({"regions": 0}, r"regions: expected cells of at least 1 pixel, found 0"),
        ({"regions": torch.zeros(1, 4, 5, dtype=torch.int64)}, r"regions: expected \(1, 4, 4\), found \(1, 4, 5\)"),
        ({"regions": torch.full((1, 4, 4), -1)}, r"regions: expected numbers >= 0, found -1"),
        ({"upper_shares": torch.ones(3)}, r"upper_shares: expected one for each of the 4 classes .* found 3"),
        ({"upper_shares": BOUNDS / 2}, r"upper_shares: expected a sum of at least the allocated fraction 1, found 0.6"),
    ],
)
def test_what_does_not_fit_is_told_in_one_line(given: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        transported(random_probabilities(1, 4, 4, 4).log(), **{"upper_shares": BOUNDS, **given})
