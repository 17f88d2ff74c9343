"""The reverse cross-entropy as it is usually written: what ours is compared with."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor, nn


@MODELS.register_module()
class PlainReverseCrossEntropy(nn.Module):
    """Cross-entropy of one-hot labels under the prediction, in the form of the code published with the paper.

    Wang, Ma, Chen, Luo, Yi, Bailey: Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019,
    https://arxiv.org/abs/1908.06112. The mean is over valid pixels.

    Args:
        log_zero: the paper's A, in place of log 0 in a one-hot label.
        loss_name: key of the result.
    """

    def __init__(self, log_zero: float, loss_name: str = "loss_rce") -> None:
        super().__init__()
        self.log_zero, self.loss_name = log_zero, loss_name

    def forward(
        self, cls_score: Tensor, label: Tensor, weight: Tensor | None = None, ignore_index: int = 255
    ) -> Tensor:
        """Loss of logits (B, C, H, W) and labels (B, H, W); `weight` is None where mmseg calls it."""
        valid = label != ignore_index
        probabilities = F.softmax(cls_score, dim=1).clamp(min=1e-7, max=1.0)
        one_hot = F.one_hot(torch.where(valid, label, 0), cls_score.shape[1]).permute(0, 3, 1, 2).float()
        logarithms = torch.log(one_hot.clamp(min=math.exp(self.log_zero), max=1.0))
        pixels = -(probabilities * logarithms).sum(dim=1)
        return pixels[valid].mean()
