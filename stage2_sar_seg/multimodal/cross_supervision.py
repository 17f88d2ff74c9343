"""Labels that predictors give each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from landcover.errors import InputError
from landcover.labels.transported import transported
from landcover.losses.pixelwise import LEAST_COUNT
from landcover.processes.group import mean_over_processes


@dataclass(frozen=True)
class CrossSupervision:
    """How a prediction becomes labels for another predictor.

    Cross pseudo-supervision (Chen, Yuan, Zeng, Wang: Semi-Supervised Semantic Segmentation with Cross Pseudo
    Supervision, CVPR 2021, https://arxiv.org/abs/2106.01226) with the labels reassigned as in DLLR, see
    `stage2_sar_seg.multimodal`; the reassignment is `landcover.labels.transported`, the bounds are our choice.

    Args:
        weight: factor of the loss; 0 is without.
        reassign: whether optimal transport allocates pixels to classes; otherwise the best class of sure pixels counts.
        confidence: probability from which a pixel is sure, without reassignment.
        sharpness: power of the probabilities that are transported, above 0: labels that were as soft as the prediction
            would teach little.
        slack: bounds of the classes' shares are this many times their shares in the labels, >= 1.
        smoothing: part of these shares that is spread evenly over the classes, in [0, 1]: few labels do not show all.
        cell: side of the square regions, in pixels of the predictions, which are those of the network's output.
        region_weight: see `transported`.

    Raises:
        InputError: numbers outside of these ranges.
    """

    weight: float
    reassign: bool = True
    confidence: float = 0.9
    sharpness: float = 4.0
    slack: float = 2.0
    smoothing: float = 0.1
    cell: int = 4
    region_weight: float = 0.5

    def __post_init__(self) -> None:
        expected = {
            "weight": ("a number of at least 0", self.weight >= 0),
            "confidence": ("0 to 1", 0 <= self.confidence <= 1),
            "sharpness": ("a number above 0", self.sharpness > 0),
            "slack": ("a number of at least 1", self.slack >= 1),
            "smoothing": ("0 to 1", 0 <= self.smoothing <= 1),
            "cell": ("a whole number of at least 1", type(self.cell) is int and self.cell >= 1),
            "region_weight": ("0 to 1", 0 <= self.region_weight <= 1),
        }
        for name, (what, right) in expected.items():
            if not right:
                raise InputError(
                    f"multimodal.cross.{name}: expected {what}, found {getattr(self, name)!r}; correct the config"
                )

    def bounds(self, shares: Sequence[float]) -> Tensor:
        """Largest share of each class among the pixels that are labelled, (C,) float32, with a sum of at least 1.

        Args:
            shares: of the classes in the labels, sum 1.
        """
        smoothed = torch.tensor(shares) * (1 - self.smoothing) + self.smoothing / len(shares)
        return (self.slack * smoothed).clamp(max=1.0)

    def labels(self, log_probabilities: Tensor, valid: Tensor, bounds: Tensor, progress: float) -> Tensor:
        """Soft labels (B, C, H, W) without a graph: a pixel's sum over the classes is what it counts, at most 1.

        Bounds hold for the batch as a whole: an image of one class alone is no mistake.

        Args:
            log_probabilities: (B, C, H, W) float32.
            valid: (B, H, W) bool; others get 0.
            bounds: see `bounds`.
            progress: done part of the training, 0..1; with reassignment this share of the pixels is labelled, the
                ones that fit best first.
        """
        log_probabilities = log_probabilities.detach()
        if not self.reassign:
            return confident_labels(log_probabilities, valid, self.confidence)
        images, classes, height, width = log_probabilities.shape
        sharp = (self.sharpness * log_probabilities).log_softmax(1)
        below = -height % self.cell  # so that no region is of two images
        stacked = F.pad(sharp, (0, 0, 0, below)).transpose(0, 1).reshape(1, classes, -1, width)
        taking_part = F.pad(valid, (0, 0, 0, below)).reshape(1, -1, width)
        found = transported(stacked, bounds, progress, taking_part, self.cell, self.region_weight)
        return found.view(classes, images, height + below, width).transpose(0, 1)[:, :, :height]


def confident_labels(log_probabilities: Tensor, valid: Tensor, confidence: float) -> Tensor:
    """The best class of every valid pixel whose probability is at least `confidence`: 1 for it, 0 for all others.

    Args:
        log_probabilities: (B, C, H, W).
        valid: (B, H, W) bool.
        confidence: in [0, 1].

    Returns:
        (B, C, H, W).
    """
    best, classes = log_probabilities.max(1)
    sure = valid & (best.exp() >= confidence)
    labels = torch.zeros_like(log_probabilities).scatter_(1, classes[:, None], 1.0)
    return labels * sure[:, None]


def cross_loss(labels: Tensor, learner: Tensor, valid: Tensor) -> Tensor:
    """Cross-entropy of soft labels under the learner, mean over the valid pixels; unlabelled ones count as 0.

    Args:
        labels: (B, C, H, W), see `CrossSupervision.labels`.
        learner: log-probabilities (B, C, H, W).
        valid: (B, H, W) bool.

    Returns:
        Scalar; 0 with a graph if no pixel is valid.
    """
    count = mean_over_processes(valid.sum().to(learner.dtype))
    return -(labels.detach() * learner).sum() / count.clamp(min=LEAST_COUNT)
