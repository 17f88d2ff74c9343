"""How far off a matcher is, by measures that bear several names in the literature."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LIMITS = (1, 2, 5)
"""Pixels within which a match counts as correct."""


@dataclass(frozen=True)
class MatchingScores:
    """Scores over all patches, in pixels and shares; the error of a patch is a distance in the plane.

    Args:
        mean_error: mean of the errors, sum |e_i| / N. Papers on SAR-optical matching, Gai and Li 2025 among them, call
            it RMSE.
        rmse: root of the mean of squared errors, sqrt(sum |e_i|^2 / N), at least as large.
        cmr: correct matching rate by limit of `LIMITS`: share of patches, 0..1, whose error is at most so many pixels.
            Elsewhere CMR is the share of correct points among those that a matcher has kept of one image.
    """

    mean_error: float
    rmse: float
    cmr: dict[int, float]


def matching_scores(found: NDArray[np.floating], true: NDArray[np.floating]) -> MatchingScores:
    """Scores of positions.

    Args:
        found: (N, 2) rows and columns, pixels, N >= 1.
        true: likewise.
    """
    errors = np.hypot(*(np.asarray(found, np.float64) - np.asarray(true, np.float64)).T)
    return MatchingScores(
        mean_error=float(errors.mean()),
        rmse=float(np.sqrt(np.square(errors).mean())),
        cmr={limit: float((errors <= limit).mean()) for limit in LIMITS},
    )
