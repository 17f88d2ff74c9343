"""Exponential moving averages of a network's weights."""

from __future__ import annotations

import torch
from torch import nn


def ema_decay(step: int, limit: float) -> float:
    """Share of the average that is kept at `step` = 0, 1, ...: min(1 - 1 / (step + 1), limit).

    The first update copies the network, early ones forget the random start, later ones average over 1 / (1 - limit).
    """
    return min(1.0 - 1.0 / (step + 1), limit)


@torch.no_grad()
def update_ema(average: nn.Module, network: nn.Module, decay: float) -> None:
    """Moves `average` towards `network`: parameters and floating buffers (batch-norm statistics) alike.

    Integer buffers are copied. All tensors of a kind are moved in one fused operation.

    Args:
        average: changed in place; same architecture as `network`.
        network: read only.
        decay: share of the average that is kept, 0..1.
    """
    pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
    floating = [(kept, new) for kept, new in pairs if kept.is_floating_point()]
    torch._foreach_lerp_([kept for kept, _ in floating], [new for _, new in floating], 1.0 - decay)
    for kept, new in pairs:
        if not kept.is_floating_point():
            kept.copy_(new)
