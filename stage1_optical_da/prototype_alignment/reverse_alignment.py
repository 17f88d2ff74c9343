"""Reverse alignment: target pixels that fit refine the mixtures of the source."""

from __future__ import annotations

import torch
from torch import Tensor

from stage1_optical_da.prototype_alignment.gaussian_mixtures import component_log_densities, mixture_log_likelihoods
from stage1_optical_da.prototype_alignment.mixture_fitting import moments, moved


def likely_pixels(
    pixels: Tensor, valid: Tensor, source: Tensor, in_source: Tensor, means: Tensor, variances: Tensor, gate: float
) -> Tensor:
    """(C, N) bool: target pixels at least as likely in the mixture of their class as a share of the source's own.

    A pixel of a wrong pseudo-label is less likely than nearly all of them, and so can not drag an anchor.

    Args:
        pixels: (C, N, d), of the target, by pseudo-class.
        valid: (C, N) bool.
        source: (C, M, d), of the source, by class.
        in_source: (C, M) bool.
        means: (C, K, d).
        variances: (C, K, d).
        gate: share of the source pixels that may be less likely, in [0, 1); without source pixels nothing passes.
    """
    own = mixture_log_likelihoods(source, means, variances).masked_fill(~in_source, torch.inf)
    ordered = own.sort(1).values
    place = (gate * in_source.sum(1, keepdim=True)).long().clamp(max=own.shape[1] - 1)
    return valid & (mixture_log_likelihoods(pixels, means, variances) >= ordered.gather(1, place))


def refined(
    pixels: Tensor, accepted: Tensor, means: Tensor, variances: Tensor, share: float, floor: float
) -> tuple[Tensor, Tensor]:
    """Means and variances (C, K, d) after a step of EM towards accepted target pixels.

    Components need not be balanced here: the target may lack some. One with fewer pixels than an equal share of the
    memory moves by that much less, and one without does not move.

    Args:
        pixels: (C, N, d), the memory.
        accepted: (C, N) bool.
        means: (C, K, d).
        variances: (C, K, d).
        share: of the step, in [0, 1].
        floor: least variance.
    """
    components, size = means.shape[1], pixels.shape[1]
    found = component_log_densities(pixels, means, variances).softmax(-1) * accepted[..., None]
    evidence = (found.sum(1) * components / size).clamp(max=1)
    return moved(means, variances, moments(pixels, found, floor), share * evidence[..., None], floor)
