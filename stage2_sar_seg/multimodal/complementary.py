"""A branch learns from the other one where they differ and the other is surer."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from landcover.losses.pixelwise import LEAST_COUNT
from landcover.processes.group import mean_over_processes


def discrepancy(first: Tensor, second: Tensor) -> Tensor:
    r"""How much two predictions of every pixel differ: 0 for equal ones, 1 for classes that exclude each other.

    The Jensen-Shannon divergence :math:`H(\frac{p + q}{2}) - \frac{H(p) + H(q)}{2}` divided by its maximum, log 2.

    Args:
        first: log-probabilities (B, C, H, W).
        second: likewise.

    Returns:
        (B, H, W).
    """
    # In logarithms, which stay finite where a probability underflows.
    middle = torch.logaddexp(first, second) - math.log(2)
    return (entropy(middle) - (entropy(first) + entropy(second)) / 2).clamp(0, math.log(2)) / math.log(2)


def entropy(log_probabilities: Tensor) -> Tensor:
    """Entropy of every pixel, (B, H, W), of log-probabilities (B, C, H, W), in nats."""
    return -(log_probabilities.exp() * log_probabilities).sum(1)


@torch.no_grad()
def complementary_weights(teacher: Tensor, learner: Tensor) -> Tensor:
    """How much the learner has to learn of every pixel: the `discrepancy` where the teacher is surer, 0 elsewhere.

    Surer is lower entropy. Difference-guided complementary learning after DLLR, see `stage2_sar_seg.multimodal`; the
    measures of difference and sureness are our choice.

    Args:
        teacher: log-probabilities (B, C, H, W).
        learner: likewise.

    Returns:
        (B, H, W) in [0, 1], without a graph.
    """
    return discrepancy(teacher, learner) * (entropy(teacher) < entropy(learner))


def complementary_loss(teacher: Tensor, learner: Tensor, valid: Tensor) -> Tensor:
    """Divergence of the learner from the teacher, weighted by `complementary_weights`: mean over the valid pixels.

    Pixels on which both agree count as 0, so the loss ends where the difference does. The teacher gets no gradient.

    Args:
        teacher: log-probabilities (B, C, H, W).
        learner: likewise.
        valid: (B, H, W) bool.

    Returns:
        Scalar; 0 with a graph if no pixel is valid.
    """
    teacher = teacher.detach()
    weights = complementary_weights(teacher, learner) * valid
    divergence = (teacher.exp() * (teacher - learner)).sum(1)
    count = mean_over_processes(valid.sum().to(learner.dtype))
    return (weights * divergence).sum() / count.clamp(min=LEAST_COUNT)
