"""Targets that are soft at the borders of objects."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def class_shares(label: Tensor, classes: int, radius: int, ignore_index: int, dtype: torch.dtype) -> Tensor:
    """Share of every class among the labelled pixels around each pixel: where borders may be off by `radius` pixels.

    Szegedy et al.: Rethinking the Inception Architecture for Computer Vision, CVPR 2016,
    https://arxiv.org/abs/1512.00567, smooth every label alike; here only labels near another one are, and only towards
    that.

    Args:
        label: int64 (B, H, W) in [0, classes) or the ignore index.
        classes: number of classes.
        radius: of the square window, side 2 radius + 1, cut off at the edges of the image; >= 0.
        ignore_index: label of pixels without supervision, which count nowhere.
        dtype: of the result.

    Returns:
        (B, classes, H, W); sums to 1 over the classes, to 0 where the pixel itself has no label.
    """
    valid = (label != ignore_index)[:, None]
    planes = torch.zeros(label.shape[0], classes, *label.shape[1:], dtype=dtype, device=label.device)
    planes.scatter_(1, torch.where(valid, label[:, None], 0), valid.to(dtype))
    counts = F.avg_pool2d(planes, 2 * radius + 1, stride=1, padding=radius, divisor_override=1)
    return counts / counts.sum(dim=1, keepdim=True).clamp(min=1) * valid
