"""Linear layers and 1x1 convolutions in the form that is fastest where they run."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

ONEDNN_BATCH = 16
"""From this batch on torch leaves convolutions to oneDNN, also with one thread."""


def linear(tokens: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.linear` of (B, N, C) tokens by a (K, C) weight: (B, N, K)."""
    if not _by_convolution(tokens):
        return F.linear(tokens, weight, bias)
    return grouped_linear(tokens, weight, bias, groups=1)


def grouped_linear(tokens: Tensor, weight: Tensor, bias: Tensor | None, groups: int) -> Tensor:
    """Linear layers of groups of channels, as one convolution: (B, N, G * K).

    Args:
        tokens: (B, N, G * C).
        weight: (G * K, C), those of the first group first.
        bias: (G * K,) or None.
        groups: G.
    """
    batch = ONEDNN_BATCH if tokens.shape[:-1].numel() % ONEDNN_BATCH == 0 else len(tokens)
    maps = tokens.reshape(batch, -1, 1, tokens.shape[-1]).permute(0, 3, 1, 2)
    convolved = F.conv2d(maps, weight[:, :, None, None], bias, groups=groups)
    return convolved.permute(0, 2, 3, 1).reshape(*tokens.shape[:-1], -1)


def pointwise(features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """1x1 convolution of (B, C, H, W) features by a (K, C, 1, 1) weight: (B, K, H, W)."""
    if not (_by_convolution(features) and features.is_contiguous(memory_format=torch.channels_last)):
        return F.conv2d(features, weight, bias)
    return to_map(linear(to_tokens(features), weight.flatten(1), bias), *features.shape[2:])


def to_tokens(features: Tensor) -> Tensor:
    """(B, C, H, W) in channels-last memory as (B, H * W, C), without a copy."""
    return features.permute(0, 2, 3, 1).flatten(1, 2)


def to_map(tokens: Tensor, height: int, width: int) -> Tensor:
    """(B, H * W, C) as (B, C, H, W) in channels-last memory, without a copy."""
    return tokens.unflatten(1, (height, width)).permute(0, 3, 1, 2)


def _by_convolution(values: Tensor) -> bool:
    # On AMD processors MKL's product takes twice the time of oneDNN's convolution. With one thread and a small batch,
    # torch has convolutions of its own that take four times as long.
    return values.device.type == "cpu" and values.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")
