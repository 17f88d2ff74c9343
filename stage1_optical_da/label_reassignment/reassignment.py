"""Reassignment of one tile: soft assignment by transport, and the labels that follow from it."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from ensemble.tile_sums import best_class
from landcover.classes import VOID
from landcover.labels.transported import transported
from stage1_optical_da.label_reassignment.evidence import Evidence
from stage1_optical_da.label_reassignment.settings import ReassignmentSettings

LEAST_PROBABILITY = 1 / 510
"""Half a step of the codes of score files: what stands there as 0 need not be impossible."""


def soft_assignment(
    evidence: Evidence, shares: NDArray[np.float64], regions: NDArray[np.int64] | int, settings: ReassignmentSettings
) -> NDArray[np.float32]:
    """Share of every pixel in the classes, float32 (C, H, W), sums at most 1; 0 where there is no data.

    Args:
        evidence: of the tile.
        shares: float64 (C,), of the classes in the tile.
        regions: see `transported`.
        settings: see `ReassignmentSettings`.
    """
    if evidence.no_data.all():
        return np.zeros_like(evidence.probabilities)
    # Slack for every class alike: of the entropy of what is left, `transported` says why.
    bounds = torch.from_numpy(shares + settings.slack).clamp(max=1)
    scores = np.log(np.maximum(evidence.probabilities, np.float32(LEAST_PROBABILITY)))
    scores *= np.float32(settings.sharpness)
    found = transported(
        torch.from_numpy(scores)[None],
        bounds,
        settings.fraction,
        torch.from_numpy(~evidence.no_data)[None],
        regions if isinstance(regions, int) else torch.from_numpy(regions)[None],
        settings.region_weight,
    )
    assigned: NDArray[np.float32] = found[0].numpy()
    return assigned


def reassigned(
    labels: NDArray[np.uint8], assigned: NDArray[np.float32], evidence: Evidence, settings: ReassignmentSettings
) -> NDArray[np.uint8]:
    """Labels, of which the unsure ones are the class that has most of their pixel, if that is enough.

    Args:
        labels: uint8 (H, W), 0 = unknown.
        assigned: float32 (C, H, W), see `soft_assignment`.
        evidence: of the tile.
        settings: see `ReassignmentSettings`.
    """
    changeable = unsure(labels, evidence, settings.threshold) & ~evidence.no_data
    best, shares = best_class(list(assigned), range(1, len(assigned) + 1))
    return np.where(changeable & (shares >= settings.least), best, labels)


def unsure(labels: NDArray[np.uint8], evidence: Evidence, threshold: float) -> NDArray[np.bool_]:
    """Where a label is unknown, not the most probable class of every model, or its mean probability below `threshold`.

    Args:
        labels: uint8 (H, W), 0 = unknown.
        evidence: of the tile.
        threshold: 0..1.
    """
    planes = np.where(labels == VOID, 0, labels.astype(np.int64) - 1)
    probability = np.take_along_axis(evidence.probabilities, planes[None], 0)[0]
    return (labels == VOID) | (labels != evidence.unanimous) | (probability < threshold)
