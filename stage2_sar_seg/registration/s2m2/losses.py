"""Losses of heatmaps of similarities."""

from __future__ import annotations

import torch
from torch import Tensor


def position_distribution(positions: Tensor, height: int, width: int) -> Tensor:
    """Probability of every pixel of a heatmap: all of it at a position, shared by the four pixels around it if between.

    Args:
        positions: (B, 2) row and column, pixels, inside of the heatmap.
        height, width: of the heatmap.

    Returns:
        (B, height, width), sums of 1; its mean is the position.
    """
    rows = torch.arange(height, device=positions.device)
    columns = torch.arange(width, device=positions.device)
    of_rows = (1 - (rows - positions[:, :1]).abs()).clamp(min=0)
    of_columns = (1 - (columns - positions[:, 1:]).abs()).clamp(min=0)
    return of_rows[:, :, None] * of_columns[:, None, :]


def heatmap_cross_entropy(heatmap: Tensor, target: Tensor, temperature: float) -> Tensor:
    """Cross-entropy of every sample, (B,), between `target` and the softmax of `heatmap / temperature`.

    Args:
        heatmap: (B, H, W) similarities.
        target: (B, H, W) probabilities.
        temperature: above 0.
    """
    log_probabilities = (heatmap.flatten(1) / temperature).log_softmax(dim=1)
    return -(target.flatten(1) * log_probabilities).sum(dim=1)


def pseudo_heatmap(deep: Tensor, shallow: Tensor, temperature: float) -> Tensor:
    """Probabilities (B, H, W), without gradient, by which an unlabelled pair teaches: softmax of deep times shallow.

    Gai, Li 2025: both levels together know more than the shallow one alone.

    Args:
        deep: (B, H, W) similarities.
        shallow: the same.
        temperature: above 0.
    """
    product = (deep * shallow).detach()
    return (product.flatten(1) / temperature).softmax(dim=1).view_as(product)
