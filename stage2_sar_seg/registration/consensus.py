"""One transform on which the points of a tile agree, and the points that do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from stage2_sar_seg.registration.matcher import Correspondences

Model = Literal["translation", "affine"]
"""What moves a tile; `affine` adds rotation, scale and shear. A homography has no place in orthorectified images."""

TRIALS = 1000
"""Transforms that are tried; with one true point in five, three true ones are missed with a chance of 1 in 3000."""

REFINEMENTS = 5


@dataclass(frozen=True)
class Consensus:
    """A transform and who supports it.

    Args:
        transform: float64 (2, 3); a SAR position p = (row, column) is at transform @ (row, column, 1) in the optical
            image.
        inliers: bool (M,), points within the tolerance.
    """

    transform: NDArray[np.float64]
    inliers: NDArray[np.bool_]


def find_consensus(points: Correspondences, tolerance: float, model: Model = "translation") -> Consensus | None:
    """The transform with the most confidence within its tolerance, refined on these points; None without one.

    Fischler, Bolles: Random Sample Consensus, Communications of the ACM 1981, https://doi.org/10.1145/358669.358692.
    Points count by their confidence, those of confidence 0 not at all. For translations every point is tried if there
    are no more than `TRIALS`; what is drawn is drawn from a fixed seed, so that equal points give equal results.

    Args:
        points: of a whole tile, in its coordinates.
        tolerance: largest distance of an inlier, pixels.
        model: see `Model`.
    """
    usable = np.flatnonzero(points.confidence > 0)
    needed = 1 if model == "translation" else 3
    if len(usable) < needed:
        return None
    rng = np.random.default_rng(0)
    best, transform = 0.0, None
    for sample in _samples(usable, needed, rng):
        candidate = _fitted(points, sample, model)
        support = points.confidence[_near(points, candidate, tolerance)].sum() if candidate is not None else 0.0
        if support > best:
            best, transform = float(support), candidate
    return None if transform is None else _refined(points, transform, tolerance, model)


def _samples(usable: NDArray[np.intp], needed: int, rng: np.random.Generator) -> list[NDArray[np.intp]]:
    if needed == 1:
        chosen = usable if len(usable) <= TRIALS else rng.choice(usable, TRIALS, replace=False)
        return list(chosen[:, None])
    return [rng.choice(usable, needed, replace=False) for _ in range(TRIALS)]


def _refined(points: Correspondences, transform: NDArray[np.float64], tolerance: float, model: Model) -> Consensus:
    """Fits all inliers, looks who they are now, and again."""
    inliers = _near(points, transform, tolerance)
    for _ in range(REFINEMENTS):
        fitted = _fitted(points, np.flatnonzero(inliers), model)
        if fitted is None:
            break
        transform, inliers = fitted, _near(points, fitted, tolerance)
    return Consensus(transform, inliers)


def _near(points: Correspondences, transform: NDArray[np.float64], tolerance: float) -> NDArray[np.bool_]:
    moved = points.sar @ transform[:, :2].T + transform[:, 2]
    near: NDArray[np.bool_] = np.square(points.optical - moved).sum(axis=1) <= tolerance**2
    return near & (points.confidence > 0)


def _fitted(points: Correspondences, chosen: NDArray[np.intp], model: Model) -> NDArray[np.float64] | None:
    """Least squares over the chosen points, weighted by confidence; None if they lie on a line."""
    sar, optical, weights = points.sar[chosen], points.optical[chosen], points.confidence[chosen]
    if len(chosen) == 0:
        return None
    if model == "translation":
        return np.column_stack([np.eye(2), np.average(optical - sar, axis=0, weights=weights)])
    middle, root = np.average(sar, axis=0, weights=weights), np.sqrt(weights)[:, None]
    design = np.column_stack([sar - middle, np.ones(len(sar))])
    solution, _, rank, _ = np.linalg.lstsq(root * design, root * optical, rcond=1e-6)
    if rank < 3:
        return None
    linear = solution[:2].T
    return np.column_stack([linear, solution[2] - linear @ middle])
