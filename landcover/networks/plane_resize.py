"""Bilinear resize of maps with few channels."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def resize_planes(maps: Tensor, size: tuple[int, int] | torch.Size, align_corners: bool) -> Tensor:
    """Maps resized to `size`, one plane per channel in memory: `F.interpolate`'s numbers.

    A bilinear resize acts on columns and rows apart. On a CPU torch computes whole vectors only along channels that are
    neighbours in memory, of which logits have eight; here the pixels of a line take the place of the channels. With its
    gradient that takes half the time.

    Args:
        maps: (B, C, H, W), float32 or float64.
        size: height and width of the result.
        align_corners: as of `F.interpolate`.
    """
    if maps.device.type != "cpu":
        return F.interpolate(maps.contiguous(), size, mode="bilinear", align_corners=align_corners)
    height, width = size
    wide = _resize_rows(maps.transpose(2, 3), width, align_corners).transpose(2, 3)
    return _resize_rows(wide, height, align_corners)


def _resize_rows(maps: Tensor, height: int, align_corners: bool) -> Tensor:
    """(B, C, height, W) of (B, C, H, W): a resize along H alone."""
    batch, channels, rows, columns = maps.shape
    lines = maps.contiguous().view(batch * channels, rows, 1, columns).permute(0, 3, 1, 2)
    resized = F.interpolate(lines, (height, 1), mode="bilinear", align_corners=align_corners)
    return resized.permute(0, 2, 3, 1).reshape(batch, channels, height, columns)
