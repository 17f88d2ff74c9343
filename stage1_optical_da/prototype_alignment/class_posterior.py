"""What the mixtures of the classes say of a pixel, mixed with what a classifier says."""

from __future__ import annotations

import torch
from torch import Tensor


def mixed_log_probabilities(logits: Tensor, log_likelihoods: Tensor, fitted: Tensor, weight: float) -> Tensor:
    r"""Logarithm of class probabilities, a share of which is the posterior of the mixtures: (B, C, ...) float32.

    .. math:: (1 - w) p_c + w q_c, \qquad q_c = \frac{\mathcal{N}_c(z)}{\sum_j \mathcal{N}_j(z)} \sum_j p_j,

    with the classifier's p and sums over the classes that have a mixture; of the others, q is p. A priori all classes
    count alike, as in Liang, Wang, Miao, Yang: GMMSeg, NeurIPS 2022, https://arxiv.org/abs/2210.02025: how often they
    occur in the source says little of the target. To mix the two is ours.

    Args:
        logits: of the classifier, (B, C, ...).
        log_likelihoods: logarithms of the densities in the mixtures, of the same shape, or these divided by a
            temperature.
        fitted: (C,) bool, classes that have a mixture; without any the result is the classifier's.
        weight: w in [0, 1].
    """
    classifier = logits.float().log_softmax(1)
    missing = ~fitted.view(1, -1, *[1] * (logits.dim() - 2))
    mass = classifier.masked_fill(missing, -torch.inf).logsumexp(1, keepdim=True)
    posterior = log_likelihoods.masked_fill(missing, -torch.inf).log_softmax(1)  # no numbers where all are missing
    mixtures = torch.where(missing, classifier, mass + posterior)
    shares = classifier.new_tensor([1 - weight, weight]).log()
    return torch.logaddexp(classifier + shares[0], mixtures + shares[1])
