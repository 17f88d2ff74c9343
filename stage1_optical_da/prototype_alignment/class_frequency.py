"""How often classes occur, as far as the training has seen."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landcover.training.ema import ema_decay

KEPT = 0.99
"""Share of the running frequency that a step keeps, at most."""

LEAST = 1e-4
"""Frequency below which classes count as equally rare."""


class ClassFrequency(nn.Module):
    """Running shares of the classes in the labels, and what follows for classes that are rare.

    Args:
        num_classes: C.
    """

    shares: Tensor
    steps: Tensor

    def __init__(self, num_classes: int) -> None:
        super().__init__()
        self.register_buffer("shares", torch.full((num_classes,), 1 / num_classes))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def update(self, counts: Tensor) -> None:
        """Takes the pixels of each class in one step, (C,); without any, nothing changes."""
        total = counts.sum()
        if total > 0:
            self.shares.lerp_(counts / total, 1 - ema_decay(int(self.steps), KEPT))
            self.steps += 1

    def sampling_weights(self) -> Tensor:
        """(C,), inverse frequencies: drawn with them, pixels are of all classes alike."""
        return 1 / self.shares.clamp(min=LEAST)

    def confidences(self, common: float, rare: float) -> Tensor:
        """(C,), probability from which the teacher counts as confident of each class.

        Linear in the frequency: `common` for the most frequent class, towards `rare` for one that never occurs.
        Lower thresholds for rare classes help in Zhao et al.: Self-Training Guided Disentangled Adaptation for
        Cross-Domain Remote Sensing Image Semantic Segmentation, JAG 2024, https://arxiv.org/abs/2301.05526; this form
        is ours.
        """
        return rare + (common - rare) * self.shares / self.shares.max()
