"""Gaussian mixtures of classes, as arrays."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


def component_log_densities(pixels: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """Logarithm of the density of every component, (..., N, K) float32.

    Args:
        pixels: (..., N, d).
        means: (..., K, d).
        variances: (..., K, d) > 0, of the axes: covariances are diagonal.
    """
    distances = squared_distances(pixels, means, variances)
    width = pixels.shape[-1]
    return -0.5 * (distances + variances.log().sum(-1)[..., None, :] + width * math.log(2 * math.pi))


def squared_distances(pixels: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """Squared Mahalanobis distances (..., N, K), arguments as of `component_log_densities`."""
    return ((pixels[..., None, :] - means[..., None, :, :]).square() / variances[..., None, :, :]).sum(-1)


def mixture_log_likelihoods(pixels: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """Logarithm of the density of the mixture, (..., N); all components weigh alike."""
    densities = component_log_densities(pixels, means, variances)
    return densities.logsumexp(-1) - math.log(means.shape[-2])


def class_log_likelihoods(pixels: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    """Logarithm of the density of every pixel in the mixture of every class, (N, C) float32.

    `mixture_log_likelihoods` of all classes by two matrix products, which need no N C K d differences in memory.

    Args:
        pixels: (N, d) float32.
        means: (C, K, d).
        variances: (C, K, d) > 0.
    """
    of_all, precisions = means.flatten(0, 1), variances.flatten(0, 1).reciprocal()
    alone = (of_all.square() * precisions - precisions.log()).sum(1) + pixels.shape[1] * math.log(2 * math.pi)
    with torch.autocast(pixels.device.type, enabled=False):
        together = pixels.square() @ precisions.T - 2 * (pixels @ (of_all * precisions).T)
    densities = -0.5 * (together + alone)
    return densities.unflatten(1, means.shape[:2]).logsumexp(-1) - math.log(means.shape[1])


class GaussianMixtures(nn.Module):
    """One mixture of K Gaussians for each class: buffers, no parameters, so no loss moves them.

    All components of a class weigh 1 / K, as they hold equal shares of its pixels, see
    `mixture_fitting.balanced_responsibilities`.

    Liang, Wang, Miao, Yang: GMMSeg: Gaussian Mixture based Generative Semantic Segmentation Models, NeurIPS 2022,
    https://arxiv.org/abs/2210.02025, classify by such mixtures, fitted as here by EM on a memory.

    Args:
        num_classes: C.
        components: K.
        width: d of the pixels.

    Attributes:
        means: (C, K, d).
        variances: (C, K, d).
        fitted: (C,) bool, classes of which there is a mixture.
        updates: () int64, steps of EM since the first fit.
    """

    means: Tensor
    variances: Tensor
    fitted: Tensor
    updates: Tensor

    def __init__(self, num_classes: int, components: int, width: int) -> None:
        super().__init__()
        self.register_buffer("means", torch.zeros(num_classes, components, width))
        self.register_buffer("variances", torch.ones(num_classes, components, width))
        self.register_buffer("fitted", torch.zeros(num_classes, dtype=torch.bool))
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))
