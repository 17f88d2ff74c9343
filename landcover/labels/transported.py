"""Labels as optimal transport of pixels, and of the regions that they lie in, to classes in bounded shares."""

from __future__ import annotations

import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.optimal_transport import bounded_assignment

CELL = 16
"""Side in pixels of the square cells that are regions where no others are known."""


@torch.no_grad()
def transported(
    log_probabilities: Tensor,
    upper_shares: Tensor,
    fraction: float = 1.0,
    valid: Tensor | None = None,
    regions: Tensor | int = CELL,
    region_weight: float = 0.5,
) -> Tensor:
    r"""Soft assignment of every pixel to the classes, none of which gets more of an image than its bound.

    Transport is solved twice with the same bounds (`landcover.optimal_transport.bounded_assignment`): for pixels, and
    for regions, whose probabilities are the mean of those of their pixels and whose mass is the number of these. A
    pixel gets the weighted mean of its own assignment and its region's:

    .. math:: P_{ij} = (1 - w) P^{pixel}_{ij} + w P^{region}_{r(i) j}.

    The arithmetic mean keeps what both fulfil, bounds and allocated fraction, which a geometric one would not, and the
    surer of the two decides. A region's mean of probabilities, unlike that of their logarithms, leaves a mixed region
    mixed instead of having single pixels forbid a class.

    Two levels after Han, Jiang, Geng, Miao: Difference-Complementary Learning and Label Reassignment, TIP 2025, whose
    equations are not public: regions, means and their combination are our choice.

    Where bounds leave room, the entropy of what is left counts too: of two classes with the same probability the one
    with more room gets more. Bounds that lie equally far above the shares that the probabilities have anyway change
    nothing. Larger scores (`log_probabilities` times a factor > 1) weaken this, and harden the assignment.

    Args:
        log_probabilities: (B, C, H, W) float; -inf is a class that a pixel does not have. Any value where not `valid`.
        upper_shares: (C,) or (B, C), >= 0, largest share of each class of the valid pixels of an image; their sum is
            at least `fraction`.
        fraction: in [0, 1], share of the valid pixels that is allocated, the ones that fit best first. Training raises
            it from 0 to 1, as in Tai, Bailis, Valiant: Sinkhorn Label Allocation, ICML 2021.
        valid: (B, H, W) bool, pixels that take part; None: all.
        regions: (B, H, W) int64, numbers >= 0 of regions, best without gaps, each image on its own; or the side in
            pixels, >= 1, of square cells.
        region_weight: w in [0, 1]; 0 is transport of pixels alone, 1 that of regions.

    Returns:
        (B, C, H, W) float32, float64 where that was given, >= 0; sums over the classes are at most 1, `fraction` in the
        mean of an image's valid pixels, and 0 where not valid. Without a graph.

    Raises:
        InputError: as `bounded_assignment`; a weight outside of [0, 1]; regions of another size, or negative.
    """
    if not 0 <= region_weight <= 1:
        raise InputError(f"region_weight: expected a number from 0 to 1, found {region_weight}; correct it")
    numbers = _region_numbers(regions, log_probabilities).flatten(1)
    scores = log_probabilities.flatten(2)
    scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
    taking_part = torch.ones_like(numbers, dtype=torch.bool) if valid is None else valid.flatten(1)
    found = torch.zeros_like(scores)
    if region_weight < 1:
        of_pixels = bounded_assignment(scores.mT, upper_shares, fraction, taking_part).mT
        found.add_(of_pixels, alpha=1 - region_weight)
    if region_weight > 0:
        means, sizes = _region_means(scores, taking_part, numbers)
        of_regions = bounded_assignment(means.log().mT, upper_shares, fraction, sizes).mT
        spread = of_regions.contiguous().gather(2, numbers[:, None].expand(scores.shape))
        found.add_(spread * taking_part[:, None], alpha=region_weight)
    return found.view(log_probabilities.shape)


def _region_numbers(regions: Tensor | int, images: Tensor) -> Tensor:
    """(B, H, W) int64 on the device of `images` (B, C, H, W)."""
    batch, _, height, width = images.shape
    if isinstance(regions, int):
        if regions < 1:
            raise InputError(f"regions: expected cells of at least 1 pixel, found {regions}; correct it")
        rows, columns = (torch.arange(size, device=images.device) // regions for size in (height, width))
        return (rows[:, None] * -(-width // regions) + columns).expand(batch, -1, -1)
    if regions.shape != (batch, height, width):
        raise InputError(f"regions: expected {(batch, height, width)}, found {tuple(regions.shape)}")
    if regions.numel() and int(regions.min()) < 0:
        raise InputError(f"regions: expected numbers >= 0, found {int(regions.min())}; count them from 0")
    return regions


def _region_means(scores: Tensor, valid: Tensor, numbers: Tensor) -> tuple[Tensor, Tensor]:
    """Mean probabilities (B, C, R) of the valid pixels of each region, 0 without any, and their number (B, R)."""
    count = int(numbers.max()) + 1
    sizes = scores.new_zeros(len(scores), count).scatter_add_(1, numbers, valid.to(scores.dtype))
    probabilities = scores.exp().masked_fill_(~valid[:, None], 0.0)
    sums = scores.new_zeros(*scores.shape[:2], count)
    sums.scatter_add_(2, numbers[:, None].expand(scores.shape), probabilities)
    return sums / sizes.clamp(min=1)[:, None], sizes
