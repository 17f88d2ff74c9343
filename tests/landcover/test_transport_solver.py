from __future__ import annotations

import pytest
import torch
from torch import Tensor

from landcover import transport_solver
from landcover.optimal_transport import balanced_assignment, bounded_assignment

PIXELS = transport_solver.FEW * transport_solver.THINNING
BOUNDS = torch.tensor([0.05, 0.6, 0.3, 0.25])

SizesOfKernels = list[int]


@pytest.fixture
def kernels(monkeypatch: pytest.MonkeyPatch) -> SizesOfKernels:
    """Number of pixels of every kernel that is built: those of hard problems are built again and again."""
    sizes: SizesOfKernels = []

    class Counted(transport_solver._Kernel):
        def __init__(self, planes: Tensor, mass: Tensor, shares: Tensor, base: Tensor) -> None:
            sizes.append(planes.shape[-1])
            super().__init__(planes, mass, shares, base)

    monkeypatch.setattr(transport_solver, "_Kernel", Counted)
    return sizes


def many_scores(scale: float) -> Tensor:
    """(2, PIXELS, 4) float64: two problems of which neither has any share by itself that `BOUNDS` gives it."""
    scores = torch.randn(2, 4, PIXELS, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return (scale * scores).mT


@pytest.mark.parametrize("scale", [2.0, 40.0])
def test_a_start_from_few_pixels_ends_at_the_plan_of_all(
    scale: float, kernels: SizesOfKernels, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, tolerance = many_scores(scale), 1e-9
    valid = torch.rand(2, PIXELS, generator=torch.Generator().manual_seed(1)) < 0.7
    started = bounded_assignment(scores, BOUNDS, 0.9, valid, tolerance)
    assert min(kernels) < 5000 < max(kernels)
    monkeypatch.setattr(transport_solver, "FEW", PIXELS)
    kernels.clear()
    expected = bounded_assignment(scores, BOUNDS, 0.9, valid, tolerance)
    assert min(kernels) == PIXELS + 1
    torch.testing.assert_close(started, expected, rtol=0, atol=1e-6)


def test_hard_problems_are_hard_for_few_pixels_alone(kernels: SizesOfKernels) -> None:
    found = bounded_assignment(many_scores(80.0).float(), BOUNDS, 0.9)
    assert len(kernels) > 2 and kernels.count(PIXELS + 1) == 1
    shares = found.mean(1)
    assert (shares <= BOUNDS + 1e-4).all()
    torch.testing.assert_close(shares.sum(1), torch.full((2,), 0.9), rtol=0, atol=1e-4)


def test_few_pixels_that_tell_nothing_of_the_others_do_no_harm() -> None:
    scores = many_scores(2.0)[0]
    valid = torch.ones(PIXELS, dtype=torch.bool)
    valid[:: transport_solver.THINNING] = False
    none = bounded_assignment(scores, BOUNDS, 0.9, valid)
    torch.testing.assert_close((none.sum(0) / valid.sum()).sum(), torch.tensor(0.9).double(), rtol=0, atol=1e-4)
    scores[:: transport_solver.THINNING] = torch.tensor([0.0, -500.0, -500.0, -500.0]).double()
    others = bounded_assignment(scores, BOUNDS, 0.9)
    assert (others.mean(0) <= BOUNDS + 1e-4).all()
    torch.testing.assert_close(others.mean(0).sum(), torch.tensor(0.9).double(), rtol=0, atol=1e-4)


def test_sums_of_a_million_pixels_are_as_exact_as_the_tolerance_asks() -> None:
    kernel = torch.rand(1, 2, 2**20, generator=torch.Generator().manual_seed(0)) ** 8
    mass = torch.full((1, 1, 2**20), 2.0**-20)
    exact = kernel.double().mean(2, keepdim=True)
    found = transport_solver._over_parts(lambda part, of_pixels: part @ of_pixels.mT, kernel, mass)
    torch.testing.assert_close(found, exact, rtol=5e-6, atol=0)
    shares = torch.tensor([0.3, 0.7])
    plan = balanced_assignment((20 * kernel[0]).T, shares, iterations=10)  # two would do
    torch.testing.assert_close(plan.double().mean(0), shares.double(), rtol=0, atol=5e-5)


def test_every_fifteenth_pixel_stands_for_all_and_the_last_for_itself() -> None:
    planes = torch.arange(62.0).view(1, 2, 31)
    mass = torch.full((1, 31), 0.02)
    mass[0, 15], mass[0, 30] = 0.06, 0.36
    few, masses = transport_solver._thinned(planes, mass)
    assert few.tolist() == [[[0, 15, 30], [31, 46, 61]]]
    torch.testing.assert_close(masses, torch.tensor([[0.16, 0.48, 0.36]]))
    mass[0, [0, 15]] = 0
    assert transport_solver._thinned(planes, mass)[1].tolist() == [[0, 0, 0]]
