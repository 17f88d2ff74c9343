"""Potentials of entropic optimal transport of many pixels to few classes, by Newton's steps and Sinkhorn's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

DIRECT = 12
"""Steps after which a problem counts as hard: pixels so sure of their class that the shares hardly answer to small
changes of the potentials. It is then solved for softer scores first."""

SHARPNESS = (2**-10, 2**-8, 2**-6, 2**-4, 2**-2, 1.0)
"""Factors of the scores of a hard problem, in turn; the solution of each is where the next begins."""

RANGE = 20.0
"""Potentials that have moved farther since the kernel was exponentiated are put into it, so that what has underflown
there, at exp(-87), stays without weight."""

LONGEST = 10.0
"""Of a Newton step. A longer one leaves the region in which it means anything."""

THINNING = 15
"""Step between the pixels that are solved first. Odd: an even one meets the same columns of an image in every row."""

PART = 2**14
"""Pixels summed at a time in float32, the sums of parts in float64: one sum of a million is off by more than the
tolerance, and the temporary results of a part stay in the cache."""

FEW = 4096
"""Pixels that tell enough of all; fewer are never looked at instead of them."""


def solved_plan(planes: Tensor, mass: Tensor, shares: Tensor, tolerance: float, iterations: int) -> Tensor:
    """Plan (B, C, N), columns sum to 1, of pixels whose classes have `shares` of their mass.

    Args:
        planes: (B, C, N) float32 or float64, finite scores.
        mass: (B, N), of the pixels, >= 0, sum 1, or all 0. The last may have much more than the others, as slack has.
        shares: (B, C), of the classes, >= 0, sum 1.
        tolerance: largest sum of absolute differences between the shares reached and `shares`.
        iterations: at most, on all pixels.
    """
    kernel, potentials, found = _solved(planes, mass, shares, tolerance, iterations)
    return kernel.plan(potentials, found)


def _solved(
    planes: Tensor, mass: Tensor, shares: Tensor, tolerance: float, iterations: int
) -> tuple[_Kernel, Tensor, _Marginals]:
    """Kernel, potentials (B, C), and what they lead to."""
    zero = torch.zeros_like(shares).masked_fill_(shares == 0, -torch.inf)
    start = zero
    if planes.shape[-1] >= FEW * THINNING:
        # Few pixels have nearly the potentials of all, so that hard problems are hard for them alone.
        start = _solved(*_thinned(planes, mass), shares, tolerance, iterations)[1]
    kernel = _Kernel(planes, mass, shares, start)
    potentials, found = _iterated(kernel, start, tolerance, min(iterations, DIRECT))
    if float(found.errors.max()) <= tolerance:
        return kernel, potentials, found
    potentials = zero
    for sharpness, sharper in pairwise(SHARPNESS):
        kernel = _Kernel(planes * sharpness, mass, shares, potentials)
        potentials, _ = _iterated(kernel, potentials, tolerance, min(iterations, DIRECT))
        potentials = potentials * (sharper / sharpness)
    kernel = _Kernel(planes, mass, shares, potentials)
    potentials, found = _iterated(kernel, potentials, tolerance, iterations)
    return kernel, potentials, found


def _thinned(planes: Tensor, mass: Tensor) -> tuple[Tensor, Tensor]:
    """Scores and masses of every `THINNING`th pixel, which stand for all, and of the last, which stands for itself."""
    some, last = mass[:, :-1:THINNING], mass[:, -1:]
    total = some.sum(-1, keepdim=True)
    some = some * ((1 - last) / total.clamp(min=torch.finfo(mass.dtype).tiny))
    kept = torch.cat([some, last], -1) * (total > 0)
    return torch.cat([planes[..., :-1:THINNING], planes[..., -1:]], -1), kept


@dataclass(frozen=True)
class _Marginals:
    """What potentials lead to.

    Args:
        normalisers: (B, 1, N), sums over the classes.
        columns: (B, C), shares of the classes.
        errors: (B,), sums of the absolute differences to the shares wanted.
    """

    normalisers: Tensor
    columns: Tensor
    errors: Tensor


class _Kernel:
    """exp(scores + base), every pixel's largest made 1, and what potentials near `base` make of it."""

    def __init__(self, planes: Tensor, mass: Tensor, shares: Tensor, base: Tensor) -> None:
        self._planes, self._mass, self._shares = planes, mass[:, None], shares
        self._occurs = mass.any(-1)
        self._absorb(base)

    def marginals(self, potentials: Tensor) -> _Marginals:
        if float((potentials - self._base).nan_to_num(nan=0.0).abs().max()) > RANGE:
            self._absorb(potentials)
        weights = self._weights(potentials)
        normalisers = weights[:, None] @ self._kernel
        sums = _over_parts(lambda kernel, of_pixels: kernel @ of_pixels.mT, self._kernel, self._mass / normalisers)
        columns = (weights * sums[..., 0]).to(weights.dtype)
        errors = (columns - self._shares).abs().sum(-1)
        return _Marginals(normalisers, columns, errors * self._occurs)

    def sinkhorn_step(self, found: _Marginals) -> Tensor:
        """(B, C), to the potentials of which one marginal is right while the other stays."""
        least = torch.finfo(found.columns.dtype).tiny
        return (self._shares / found.columns.clamp(min=least)).log().nan_to_num(nan=0.0, neginf=0.0)

    def newton_step(self, potentials: Tensor, found: _Marginals) -> Tensor:
        """(B, C), of the concave dual whose gradient is `shares` - `columns`."""
        weights = self._weights(potentials).double()
        of_pixels = self._mass / found.normalisers.square()
        together = _over_parts(lambda kernel, factors: (kernel * factors) @ kernel.mT, self._kernel, of_pixels)
        columns = found.columns.double()
        curvature = torch.diag_embed(columns) - weights[:, :, None] * weights[:, None] * together
        # Adding one number to all potentials changes nothing, nor does any number for a class without a share.
        fixed = 1 / columns.shape[-1] + torch.diag_embed((weights == 0).double() + 1e-9)
        step = torch.linalg.solve(curvature + fixed, self._shares.double() - columns)
        return step.nan_to_num(0.0).clamp(-LONGEST, LONGEST).to(potentials.dtype)

    def plan(self, potentials: Tensor, found: _Marginals) -> Tensor:
        """(B, C, N), columns sum to 1."""
        return (self._kernel * self._weights(potentials)[..., None]).div_(found.normalisers)

    def _weights(self, potentials: Tensor) -> Tensor:
        return (potentials - self._base).nan_to_num(nan=-torch.inf, neginf=-torch.inf).exp()

    def _absorb(self, potentials: Tensor) -> None:
        self._base = potentials
        moved = self._planes + potentials[..., None]
        self._kernel = moved.sub_(moved.amax(1, keepdim=True)).exp_()


def _over_parts(product: Callable[[Tensor, Tensor], Tensor], kernel: Tensor, of_pixels: Tensor) -> Tensor:
    """Sum over the pixels, float64, of a product that sums over those of a part of (B, C, N) and (B, 1, N)."""
    parts = zip(kernel.split(PART, -1), of_pixels.split(PART, -1), strict=True)
    return torch.stack([product(*part).double() for part in parts]).sum(0)


def _iterated(kernel: _Kernel, potentials: Tensor, tolerance: float, iterations: int) -> tuple[Tensor, _Marginals]:
    """Potentials after at most so many steps from `potentials`, and what they lead to."""
    found = kernel.marginals(potentials)
    for _ in range(iterations):
        if float(found.errors.max()) <= tolerance:
            break
        moving = (found.errors > tolerance)[:, None]
        tried = torch.where(moving, potentials + kernel.newton_step(potentials, found), potentials)
        reached = kernel.marginals(tried)
        better = (reached.errors <= found.errors / 2)[:, None] | ~moving
        if not bool(better.all()):
            tried = torch.where(better, tried, potentials + kernel.sinkhorn_step(found))
            reached = kernel.marginals(tried)
        potentials, found = tried, reached
    return potentials, found
