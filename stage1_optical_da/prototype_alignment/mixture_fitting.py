"""Gaussian mixtures from pixels: the first fit, and steps of EM after it."""

from __future__ import annotations

import torch
from torch import Tensor

from landcover.optimal_transport import balanced_assignment
from stage1_optical_da.prototype_alignment.gaussian_mixtures import component_log_densities

ROUNDS = 30
"""Steps of EM of the first fit, at most."""

SETTLED = 1e-3
"""Distance along an axis that no mean moves any more in the last of them."""

BALANCE = 0.01
"""Share of the pixels by which components may be out of balance. Pixels are sure of their component, so that exact
balance would cost many steps to move single ones."""

SINKHORN_STEPS = 20
"""Of one assignment; where they do not suffice, the next step of EM goes on from nearly the same."""


def balanced_responsibilities(pixels: Tensor, valid: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """Shares of every pixel in the components, (..., N, K): all components get the same number of pixels.

    That keeps components apart which EM alone would let fall together or die; of a class whose parts are of unequal
    size, the larger ones get several. Rows sum to 1, and to 0 where not valid.

    Args:
        pixels: (..., N, d).
        valid: (..., N) bool.
        means: (..., K, d).
        variances: (..., K, d).
    """
    densities = component_log_densities(pixels, means, variances)
    components = means.shape[-2]
    shares = densities.new_full((components,), 1 / components)
    return balanced_assignment(densities, shares, valid, BALANCE, SINKHORN_STEPS)


def moments(pixels: Tensor, responsibilities: Tensor, floor: float) -> tuple[Tensor, Tensor]:
    """Means and variances (..., K, d) of the pixels of every component; 0 and `floor` for one without pixels.

    Args:
        pixels: (..., N, d).
        responsibilities: (..., N, K) >= 0.
        floor: least variance.
    """
    mass = responsibilities.sum(-2)[..., None]
    weights = responsibilities.mT / mass.clamp(min=torch.finfo(mass.dtype).tiny)
    means = weights @ pixels
    deviations = (pixels[..., None, :, :] - means[..., :, None, :]).square()
    return means, (weights[..., None, :] @ deviations)[..., 0, :].clamp(min=floor)


def fit(pixels: Tensor, valid: Tensor, components: int, floor: float) -> tuple[Tensor, Tensor]:
    """Means and variances (C, K, d) of mixtures of the pixels of every class, by balanced EM.

    It begins at pixels far from each other, from the one nearest to the mean on, with a K-th of the variance of all.

    Args:
        pixels: (C, N, d).
        valid: (C, N) bool; a class without pixels gets means 0 and variances `floor`.
        components: K.
        floor: least variance.
    """
    whole_mean, whole_variance = moments(pixels, valid[..., None].to(pixels.dtype), floor)
    means = _far_apart(pixels, valid, whole_mean[:, 0], components)
    variances = (whole_variance / components).clamp(min=floor).expand_as(means)
    for _ in range(ROUNDS):
        before = means
        found = balanced_responsibilities(pixels, valid, means, variances)
        means, variances = moments(pixels, found, floor)
        if float((means - before).abs().max()) < SETTLED:
            break
    return means, variances


def moved(
    means: Tensor, variances: Tensor, towards: tuple[Tensor, Tensor], share: Tensor, floor: float
) -> tuple[Tensor, Tensor]:
    r"""Means and variances of Gaussians of which a share has been replaced by others.

    .. math:: \mu = (1 - s) \mu_0 + s \mu_1, \qquad
        \sigma^2 = (1 - s) \sigma_0^2 + s \sigma_1^2 + s (1 - s) (\mu_0 - \mu_1)^2,

    the moments of the two together: one step of online EM (Cappe, Moulines: On-line expectation-maximization algorithm
    for latent data models, JRSS B 2009, https://arxiv.org/abs/0712.4273).

    Args:
        means: (..., K, d).
        variances: (..., K, d).
        towards: means and variances of the others.
        share: s in [0, 1], that (..., K, 1) is broadcast with.
        floor: least variance.
    """
    other_means, other_variances = towards
    between = share * (1 - share) * (means - other_means).square()
    together = variances.lerp(other_variances, share) + between
    return means.lerp(other_means, share), together.clamp(min=floor)


def _far_apart(pixels: Tensor, valid: Tensor, centre: Tensor, count: int) -> Tensor:
    """(C, K, d), pixels of every class: the one nearest to its centre (C, d), then always the farthest from those."""
    distances = torch.where(valid, (pixels - centre[:, None]).square().sum(-1), torch.inf)
    chosen = [_taken(pixels, distances.argmin(1))]
    nearest = torch.where(valid, torch.inf, -torch.inf)
    while len(chosen) < count:
        nearest = torch.minimum(nearest, (pixels - chosen[-1][:, None]).square().sum(-1))
        chosen.append(_taken(pixels, nearest.argmax(1)))
    return torch.stack(chosen, 1)


def _taken(pixels: Tensor, positions: Tensor) -> Tensor:
    return pixels[torch.arange(len(pixels), device=pixels.device), positions]
