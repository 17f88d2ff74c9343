"""Pseudo-labels with the errors of a classifier: what looks alike is labelled alike, in every tile.

The classifier is the Gaussian maximum likelihood of remote sensing (Swain and Davis: Remote Sensing, the Quantitative
Approach, 1978): one normal distribution per class over appearance. It knows the source look alone; on the target it
errs where the season, the haze and the coarser sensor make one class look like another. It is given the outlines of
objects, which a network has to find: a median rounds them, and takes away what is narrow.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.agreement import AGREEMENT
from landcover.demo_scenes.appearance import Appearance

CLASSES = 8
LEAST_VARIANCE = 0.05
"""Added to the variance of every feature, whose deviation over an image is 1."""

ROUNDING = 5
"""Side in pixels of the median that rounds outlines."""

ROUNDS, STEP = 400, 0.15


def systematic_labels(source: Sequence[Appearance], target: Sequence[Appearance]) -> list[NDArray[np.uint8]]:
    """Label maps (H, W) uint8, 1..8, of the target tiles.

    Each class has one number that is added to its log-likelihood everywhere. They are set so that over all target tiles
    the share of every class that is labelled right comes near `AGREEMENT`: as good as the real ones, class by class.

    Args:
        source: tiles whose labels the classifier knows.
        target: tiles to label; their truth sets the eight numbers, nothing else.
    """
    scores = log_likelihoods(source, np.concatenate([tile.features for tile in target]))
    areas = np.concatenate([tile.area for tile in target])
    truth = np.concatenate([tile.labels for tile in target])
    labels = ((scores + _offsets(scores, truth, areas)).argmax(1) + 1).astype(np.uint8)
    ends = np.cumsum([len(tile.labels) for tile in target])
    return [
        cv2.medianBlur(found[tile.piece], ROUNDING)
        for tile, found in zip(target, np.split(labels, ends[:-1]), strict=True)
    ]


def log_likelihoods(source: Sequence[Appearance], features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Log-likelihood (N, 8) of features (N, F) under the normal distribution of every class; -inf for an absent one."""
    known = np.concatenate([tile.features for tile in source])
    areas = np.concatenate([tile.area for tile in source])
    labels = np.concatenate([tile.labels for tile in source])
    scores = np.full((len(features), CLASSES), -np.inf)
    for label in range(1, CLASSES + 1):
        members = labels == label
        if not members.any():
            continue
        weights = areas[members] / areas[members].sum()
        mean = weights @ known[members]
        centred = known[members] - mean
        covariance = (weights[:, None] * centred).T @ centred + LEAST_VARIANCE * np.eye(known.shape[1])
        whitened = np.linalg.solve(np.linalg.cholesky(covariance), (features - mean).T)
        scores[:, label - 1] = -0.5 * ((whitened**2).sum(0) + np.linalg.slogdet(covariance)[1])
    return scores


def _offsets(scores: NDArray[np.float64], truth: NDArray[np.uint8], areas: NDArray[np.float64]) -> NDArray[np.float64]:
    """Number (8,) per class that brings the agreement of `scores` (N, 8) near the wanted one: a damped search."""
    present = np.bincount(truth, areas, CLASSES + 1)[1:]
    offsets, best, least = np.zeros(CLASSES), np.zeros(CLASSES), np.inf
    for number in range(ROUNDS):
        right = (scores + offsets).argmax(1) + 1 == truth
        agreement = np.bincount(truth[right], areas[right], CLASSES + 1)[1:] / np.maximum(present, 1)
        miss = np.where(present > 0, _log_odds(AGREEMENT) - _log_odds(agreement), 0)
        worst = float(np.abs(np.where(present > 0, AGREEMENT - agreement, 0)).max())
        if worst < least:
            least, best = worst, offsets.copy()
        offsets += STEP * (1 - number / ROUNDS) * miss
    return best


def _log_odds(shares: NDArray[np.float64]) -> NDArray[np.float64]:
    clipped = np.clip(shares, 0.01, 0.99)
    return np.log(clipped / (1 - clipped))
