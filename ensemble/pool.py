"""Pools of the class probabilities of several models, and the weights under which they explain labels best.

The mean of probabilities is the linear pool, the normalised exponential of the mean log-probability the logarithmic one
(Genest, Zidek: Combining Probability Distributions, Statistical Science 1986, https://doi.org/10.1214/ss/1177013825).
The cross-entropy of labels under either is convex in the weights.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ensemble.weights import Average

ITERATIONS = 500

TOLERANCE = 1e-7
"""Nats by which an iteration must lower the mean cross-entropy."""


def minimise_cross_entropy(
    scores: NDArray[np.float64], classes: NDArray[np.intp], average: Average
) -> NDArray[np.float64]:
    """Weights (M,), >= 0 and of sum 1, that minimise `cross_entropy`.

    Exponentiated gradient descent from equal weights: Kivinen, Warmuth: Exponentiated Gradient versus Gradient Descent
    for Linear Predictors, Information and Computation 1997, https://doi.org/10.1006/inco.1996.2612. Our step is halved
    whenever it does not help and grows by half when it does.

    Args:
        scores: (M, C, N), see `cross_entropy`.
        classes: (N,), 0..C - 1.
        average: the pool.
    """
    weights = np.full(len(scores), 1 / len(scores))
    loss, gradient = cross_entropy(weights, scores, classes, average)
    step = 1.0
    for _ in range(ITERATIONS):
        moved = weights * np.exp(-step * (gradient - gradient.min()))
        moved /= moved.sum()
        new_loss, new_gradient = cross_entropy(moved, scores, classes, average)
        if new_loss > loss:
            step /= 2
            if step < TOLERANCE:
                break
            continue
        gain, weights, loss, gradient = loss - new_loss, moved, new_loss, new_gradient
        if gain < TOLERANCE:
            break
        step *= 1.5
    return weights


def cross_entropy(
    weights: NDArray[np.float64], scores: NDArray[np.float64], classes: NDArray[np.intp], average: Average
) -> tuple[float, NDArray[np.float64]]:
    """Mean cross-entropy of classes under the pool of M members, in nats, and its gradient (M,).

    Args:
        weights: (M,), of sum 1.
        scores: (M, C, N), probabilities > 0 of sum 1 over C for `probabilities`, log-probabilities for `logits`.
        classes: (N,), 0..C - 1.
        average: the pool.
    """
    pixels = np.arange(classes.size)
    pooled = np.tensordot(weights, scores, axes=1)
    own = scores[:, classes, pixels]
    if average == "probabilities":
        likelihood = pooled[classes, pixels]
        return float(-np.log(likelihood).mean()), -(own / likelihood).mean(axis=1)
    top = pooled.max(axis=0)
    odds = np.exp(pooled - top)
    total = odds.sum(axis=0)
    expected = np.einsum("mcn,cn->mn", scores, odds / total)
    loss = float((np.log(total) + top - pooled[classes, pixels]).mean())
    return loss, np.asarray((expected - own).mean(axis=1))
