"""Which pixels of a step are looked at."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from landcover.classes import IGNORE_INDEX

STREAM = 0x70726F74
"""Turns the seed of a pair into that of the draws made here, which leaves those of class mixing as they are without."""


def draw_pixels(
    labels: Tensor, weights: Tensor, count: int, generators: Sequence[torch.Generator]
) -> tuple[Tensor, Tensor]:
    """Positions and labels of pixels drawn from every image without replacement, rare classes more often.

    A pixel is drawn before another with probability in the proportion of the weights of their classes (Efraimidis,
    Spirakis: Weighted random sampling with a reservoir, IPL 2006). The probability mask of Hu, Wang and Chen, of which
    the abstract says that it grows for minority classes.

    Args:
        labels: (B, h, w) int64, 0..C-1 or `IGNORE_INDEX`, which is not drawn.
        weights: (C,) > 0.
        count: n, pixels of an image; at most h w.
        generators: one for each image, on the CPU.

    Returns:
        (B, n) int64 positions in the h w pixels; (B, n) int64 labels, `IGNORE_INDEX` where an image has fewer pixels.
    """
    flat = labels.flatten(1)
    drawn = torch.stack([torch.rand(flat.shape[1], generator=generator) for generator in generators])
    void = flat == IGNORE_INDEX
    waiting = -drawn.to(labels.device, non_blocking=True).clamp_(min=1e-12).log_()
    waiting = (waiting / weights[flat.masked_fill(void, 0)]).masked_fill_(void, torch.inf)
    positions = waiting.topk(min(count, flat.shape[1]), dim=1, largest=False, sorted=True).indices
    return positions, flat.gather(1, positions)


def own_generators(generators: Sequence[torch.Generator], stream: int) -> list[torch.Generator]:
    """Generators with seeds that follow from those of `generators`, whose state stays; others for another `stream`."""
    return [
        torch.Generator().manual_seed((generator.initial_seed() + stream * 0x9E3779B9 ^ STREAM) % 2**32)
        for generator in generators
    ]


def pixels_at(features: Tensor, positions: Tensor) -> Tensor:
    """(B n, D), the features (B, D, h, w) at positions (B, n)."""
    flat = features.flatten(2)
    taken = flat.gather(2, positions[:, None].expand(-1, flat.shape[1], -1))
    return taken.transpose(1, 2).reshape(-1, flat.shape[1])
