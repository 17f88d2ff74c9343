"""Forward alignment: target pixels move to the mixtures of the source."""

from __future__ import annotations

from torch import Tensor

from stage1_optical_da.prototype_alignment.gaussian_mixtures import component_log_densities, squared_distances


def distances_to_mixtures(pixels: Tensor, labels: Tensor, means: Tensor, variances: Tensor) -> Tensor:
    r"""Half the squared distance of every pixel to the components of its class by responsibility, per axis: (N,).

    .. math:: \frac{1}{2d} \sum_k r_k (z - \mu_k)^\top \Sigma_k^{-1} (z - \mu_k), \qquad
        r_k \propto \mathcal{N}(z; \mu_k, \Sigma_k),

    the negative responsibility-weighted log-likelihood without what the pixel can not change. Responsibilities are
    fixed, as in the M-step of EM. A pixel that is distributed as its component has 1/2 on average. Our reading of
    "semantic anchors that progressively guide target-domain features".

    Args:
        pixels: (N, d) float32, with a graph.
        labels: (N,) int64 classes.
        means: (C, K, d).
        variances: (C, K, d).
    """
    means, variances = means[labels], variances[labels]
    one_each = pixels[:, None]
    responsibilities = component_log_densities(one_each.detach(), means, variances).softmax(-1)
    distances = squared_distances(one_each, means, variances)
    return (responsibilities * distances).sum((1, 2)) / (2 * pixels.shape[1])
