from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from stage2_sar_seg.registration.s2m2.mutual_information import mutual_information


def gaussians(correlation: float, count: int) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    first, noise = (torch.randn(count, generator=generator, dtype=torch.float64) for _ in range(2))
    return first, correlation * first + math.sqrt(1 - correlation**2) * noise


@pytest.mark.parametrize("correlation", [0.0, 0.3, -0.6, 0.9])
def test_of_gaussians_it_is_what_their_correlation_says(correlation: float) -> None:
    expected = -0.5 * math.log(1 - correlation**2)
    found = mutual_information(*gaussians(correlation, 50_000)).item()
    assert found == pytest.approx(expected, rel=0.05, abs=0.006)


def test_independent_values_seem_dependent_by_chance_as_the_docstring_says() -> None:
    series = torch.randn(200, 2, 1000, generator=torch.Generator().manual_seed(0))
    found = mutual_information(series[:, 0], series[:, 1]).mean().item()
    assert found == pytest.approx(2 * 31**2 / (9 * 1000), rel=0.1)


def test_scale_and_offset_of_a_series_do_not_count() -> None:
    first, second = gaussians(0.7, 2000)
    expected = mutual_information(first, second)
    torch.testing.assert_close(mutual_information(-1000 * first + 5, 0.01 * second), expected)


def test_what_depends_without_correlating_is_seen() -> None:
    first, _ = gaussians(0.0, 20_000)
    assert mutual_information(first, first.square()).item() > 1


def test_every_value_has_a_gradient_and_following_it_makes_series_less_dependent() -> None:
    first, second = gaussians(0.9, 2000)
    first[0] = 40.0  # far outside, where a clamp would cut
    second.requires_grad_()
    before = mutual_information(first, second)
    (gradient,) = torch.autograd.grad(before, second)
    assert (gradient != 0).float().mean() > 0.99
    assert mutual_information(first, second - 20 * gradient) < before - 0.01


def test_constant_series_are_independent_and_harmless() -> None:
    first, second = gaussians(0.9, 100)
    constant = torch.zeros_like(first).requires_grad_()
    found = mutual_information(constant, second)
    (gradient,) = torch.autograd.grad(found, constant)
    assert found.item() == pytest.approx(0, abs=1e-12) and gradient.isfinite().all()
