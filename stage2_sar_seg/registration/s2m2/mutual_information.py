"""Mutual information of two features, differentiable."""

from __future__ import annotations

import torch
from torch import Tensor


def mutual_information(first: Tensor, second: Tensor, bins: int = 32) -> Tensor:
    r"""Mutual information of two series in nats, >= 0, estimated from a joint histogram with soft bins.

    Each series is standardised and then mapped to the bins by the normal distribution function, so that a Gaussian
    fills them evenly and no value, however large, lies outside: nothing is clamped, and every value has a gradient.
    Mutual information does not change under such maps. A value counts for its two nearest bins in proportion to their
    nearness (Viola, Wells: Alignment by Maximization of Mutual Information, IJCV 1997, for soft histograms).

    Few values seem dependent by chance: of independent ones the estimate is about 2 (bins - 1)^2 / (9 N) instead of 0.

    Args:
        first: (..., N), float.
        second: likewise.
        bins: of each series.

    Returns:
        (...).
    """
    joint = _joint(_places(first, bins), _places(second, bins), bins)
    alone = joint.sum(dim=-1, keepdim=True) * joint.sum(dim=-2, keepdim=True)
    smallest = torch.finfo(joint.dtype).tiny
    return (joint * (joint.clamp(min=smallest) / alone.clamp(min=smallest)).log()).sum(dim=(-1, -2))


def _places(values: Tensor, bins: int) -> Tensor:
    """Where values (..., N) lie between the first bin, 0, and the last one."""
    deviation = values.std(dim=-1, correction=0, keepdim=True)
    standard = (values - values.mean(dim=-1, keepdim=True)) / (deviation + torch.finfo(values.dtype).eps)
    return (bins - 1) * torch.special.ndtr(standard)


def _joint(first: Tensor, second: Tensor, bins: int) -> Tensor:
    """Probabilities (..., bins, bins) of places (..., N): every pair is shared by the four bins around it."""
    corner_1, corner_2 = (places.detach().floor().clamp(max=bins - 2) for places in (first, second))
    share_1, share_2 = first - corner_1, second - corner_2
    corner = (bins * corner_1 + corner_2).long()
    joint = first.new_zeros((*first.shape[:-1], bins * bins))
    for step_1, part_1 in ((0, 1 - share_1), (1, share_1)):
        for step_2, part_2 in ((0, 1 - share_2), (1, share_2)):
            joint = joint.scatter_add(-1, corner + bins * step_1 + step_2, part_1 * part_2)
    return joint.unflatten(-1, (bins, bins)) / first.shape[-1]
