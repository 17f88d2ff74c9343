"""Contrast of single pixels: those of one class near each other, those of others apart."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from landcover.classes import IGNORE_INDEX


def pixel_contrast(anchors: Tensor, labels: Tensor, keys: Tensor, key_labels: Tensor, temperature: float) -> Tensor:
    r"""InfoNCE of every anchor, (A,): over the keys of its class, each beside the keys of all other classes.

    With similarities :math:`s = z \cdot k / \tau`, positives P of the anchor's class and negatives N of the others,

    .. math:: \ell = \frac{1}{|P|} \sum_{p \in P} -\log \frac{\exp s_p}{\exp s_p + \sum_{n \in N} \exp s_n}.

    Wang, Zhou, Yu, Dai, Konukoglu, Van Gool: Exploring Cross-Image Pixel Contrast for Semantic Segmentation, ICCV 2021,
    https://arxiv.org/abs/2101.11939.

    Args:
        anchors: (A, d) of length 1, with a graph.
        labels: (A,) int64; an anchor with `IGNORE_INDEX` has loss 0, as one without positives or without negatives.
        keys: (K, d) of length 1.
        key_labels: (K,) int64; a key with `IGNORE_INDEX` is none.
        temperature: tau > 0.
    """
    with torch.autocast(anchors.device.type, enabled=False):
        similar = anchors @ keys.T / temperature
    known = key_labels != IGNORE_INDEX
    same = labels[:, None] == key_labels
    positives, negatives = same & known, ~same & known
    of_negatives = similar.masked_fill(~negatives, -torch.inf).logsumexp(1, keepdim=True)
    # Where there are no negatives the loss is softplus(-inf) = 0, whose gradient would be no number.
    alone = of_negatives.isneginf()
    losses = F.softplus(of_negatives.masked_fill(alone, 0.0) - similar) * (positives & ~alone)
    return losses.sum(1) / positives.sum(1).clamp(min=1)
