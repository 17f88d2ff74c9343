"""Assignment of pixels to classes in prescribed shares: entropic optimal transport."""

from __future__ import annotations

import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.transport_solver import solved_plan

TOLERANCE = 1e-4
"""Sum over the classes of how far their shares may be off."""

ITERATIONS = 200
"""Steps after which the potentials are taken as they are."""

NEVER = -1e30
"""Least score. Infinity would leave a pixel that fits nowhere without a number."""


@torch.no_grad()
def balanced_assignment(
    scores: Tensor,
    shares: Tensor,
    valid: Tensor | None = None,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Tensor:
    r"""Shares of every pixel in the classes, such that each class gets a prescribed share of all pixels.

    .. math:: \max_P \sum_{ij} P_{ij} S_{ij} - \sum_{ij} P_{ij} \log P_{ij}, \qquad
        \sum_j P_{ij} = 1, \quad \frac{1}{N} \sum_i P_{ij} = b_j.

    The solution is :math:`P_{ij} = \exp(S_{ij} + v_j) / \sum_k \exp(S_{ik} + v_k)`; only the C potentials v are
    iterated. Cuturi: Sinkhorn Distances: Lightspeed Computation of Optimal Transport, NeurIPS 2013,
    https://arxiv.org/abs/1306.0895, with exponentials kept in range as in Schmitzer: Stabilized Sparse Scaling
    Algorithms for Entropy Regularized Transport Problems, SISC 2019, https://arxiv.org/abs/1610.06519. Newton steps in
    v, as in Brauer, Clason, Lorenz, Wirth: A Sinkhorn-Newton Method for Entropic Optimal Transport, 2017,
    https://arxiv.org/abs/1710.06635, are taken where they halve the error, Sinkhorn's elsewhere: our choice.

    Args:
        scores: (..., N, C) any float type, computed in float32, float64 stays float64: log-probabilities, or negative
            costs, divided by the regularisation. Fastest where (..., C, N) is what lies in memory.
        shares: (..., C) or (C,), >= 0, sum 1. A class with share 0 gets nothing.
        valid: (..., N) bool, pixels that take part, or numbers >= 0, how many pixels a row stands for; None: all.
        tolerance: largest sum of absolute differences between the shares reached and `shares`.
        iterations: at most.

    Returns:
        (..., N, C), rows sum to 1, and to 0 where not `valid`; without a graph.

    Raises:
        InputError: `shares` of another number of classes, negative, or with another sum.
    """
    _check_shares("shares", scores, shares)
    totals = shares.sum(-1)
    if not torch.allclose(totals, torch.ones_like(totals), atol=1e-4):
        worst = totals.flatten()[(totals - 1).abs().argmax()]
        raise InputError(f"shares: expected a sum of 1, found {float(worst):.6g}; divide them by their sum")
    planes, mass, wanted = _planes(scores, shares, valid)
    with torch.autocast(scores.device.type, enabled=False):
        plan = solved_plan(planes, mass, wanted / wanted.sum(-1, keepdim=True), tolerance, iterations)
    return _rows(plan, mass, scores)


@torch.no_grad()
def bounded_assignment(
    scores: Tensor,
    upper_shares: Tensor,
    fraction: float,
    valid: Tensor | None = None,
    tolerance: float = TOLERANCE,
    iterations: int = ITERATIONS,
) -> Tensor:
    r"""Shares of every pixel in the classes, such that no class gets more than a bound and a fraction is allocated.

    As `balanced_assignment`, with :math:`\sum_j P_{ij} \le 1`, :math:`\frac{1}{N} \sum_i P_{ij} \le b_j` and
    :math:`\frac{1}{N} \sum_{ij} P_{ij} = \rho`: what is slack in the constraints becomes a further class, "not
    allocated", of share :math:`1 - \rho`, and a further pixel of mass :math:`\sum_j b_j - \rho`, whose meeting is
    forbidden. The entropy counts slack too.

    Tai, Bailis, Valiant: Sinkhorn Label Allocation: Semi-Supervised Classification via Annealed Self-Training, ICML
    2021, https://arxiv.org/abs/2102.08622.

    Args:
        scores: see `balanced_assignment`.
        upper_shares: (..., C) or (C,), >= 0, bounds of the classes' shares, with a sum of at least `fraction`.
        fraction: rho in [0, 1], share of the pixels that is allocated, the ones that fit best first.
        valid: see `balanced_assignment`.
        tolerance: likewise, of classes and slack together.
        iterations: at most.

    Returns:
        (..., N, C), rows sum to at most 1, and to 0 where not `valid`; without a graph.

    Raises:
        InputError: as `balanced_assignment`; a fraction outside of [0, 1], or one for which the bounds leave no room.
    """
    _check_shares("upper_shares", scores, upper_shares)
    if not 0 <= fraction <= 1:
        raise InputError(f"fraction: expected a number from 0 to 1, found {fraction}; correct it")
    room = float(upper_shares.sum(-1).min())
    if room < fraction - 1e-6:
        raise InputError(
            f"upper_shares: expected a sum of at least the allocated fraction {fraction:.6g}, found {room:.6g}; "
            "raise them or allocate less"
        )
    planes, mass, bounds = _planes(scores, upper_shares, valid)
    slack = (bounds.sum(-1, keepdim=True) - fraction).clamp(min=0) * mass.any(-1, keepdim=True)
    planes = torch.nn.functional.pad(planes, (0, 1, 0, 1))
    planes[..., -1, -1] = NEVER
    wanted = torch.cat([bounds, torch.full_like(slack, 1 - fraction)], -1)
    total = wanted.sum(-1, keepdim=True)
    with torch.autocast(scores.device.type, enabled=False):
        plan = solved_plan(planes, torch.cat([mass, slack], -1) / total, wanted / total, tolerance, iterations)
    return _rows(plan[..., :-1, :-1], mass, scores)


def _check_shares(name: str, scores: Tensor, shares: Tensor) -> None:
    if shares.shape[-1:] != scores.shape[-1:]:
        raise InputError(
            f"{name}: expected one for each of the {scores.shape[-1]} classes of the scores, found {shares.shape[-1]}"
        )
    if not bool((shares.isfinite() & (shares >= 0)).all()):
        raise InputError(f"{name}: expected numbers >= 0, found {float(shares.min()):.6g}; correct them")


def _planes(scores: Tensor, shares: Tensor, valid: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """Scores (B, C, N), masses of the pixels (B, N), which sum to 1 or are all 0, and shares (B, C)."""
    *batch, pixels, classes = scores.shape
    dtype = torch.float64 if scores.dtype == torch.float64 else torch.float32
    planes = scores.to(dtype).transpose(-1, -2).reshape(-1, classes, pixels).clamp(min=NEVER)
    taking_part = torch.ones((), device=scores.device) if valid is None else valid
    if valid is not None:
        planes = planes.masked_fill_((valid == 0).reshape(-1, 1, pixels), 0.0)
    mass = taking_part.to(dtype).expand(*batch, pixels).reshape(-1, pixels)
    mass = mass / mass.sum(-1, keepdim=True).clamp(min=torch.finfo(dtype).tiny)
    return planes, mass, shares.to(scores.device, dtype).expand(*batch, classes).reshape(-1, classes)


def _rows(plan: Tensor, mass: Tensor, scores: Tensor) -> Tensor:
    """Plan (B, C, N) in the order of `scores`, 0 for pixels that do not take part."""
    if not bool(mass.all()):
        plan = plan * (mass > 0)[:, None]
    return plan.reshape(*scores.shape[:-2], *plan.shape[-2:]).transpose(-1, -2)
