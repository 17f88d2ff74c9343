"""The offset between the SAR and the optical image of a tile, or why there is none to apply."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.no_data import Raster
from stage2_sar_seg.registration.area_matcher import SMALLEST_PATCH, AreaMatcher
from stage2_sar_seg.registration.consensus import Model, find_consensus
from stage2_sar_seg.registration.heatmap import find_peak
from stage2_sar_seg.registration.matcher import Correspondences, Matcher
from stage2_sar_seg.registration.normalisation import Normalisation, normalized
from stage2_sar_seg.registration.patches import Patch, patches_of

Status = Literal["registered", "unsure", "beyond the search", "constant", "no data", "too small"]
"""`unsure`: too little confidence or too few inliers; `beyond the search`: images are most similar at its border, or
points agree on an offset larger than it; `constant`: one image has but one value; `no data`: no patch has enough of it
in both images; `too small`: no patch fits into the tile beside the search."""

STAY = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0))
"""The transform that moves nothing."""


@dataclass(frozen=True)
class TileSettings:
    """How a tile is registered, whatever the matcher.

    Args:
        normalisation: of both images alike.
        overlap: share of a patch that neighbours have in common.
        least_data: share of a patch that must have data in both images.
        tolerance: distance in pixels within which points agree.
        model: what moves the tile.
        least_inliers: points, or patches' peaks, that must agree for the sake of their number, see `least_agreement`.
        least_confidence: of the peak of an area matcher's heatmaps together: 0.98 lets about one pair in fifty through
            that has nothing in common. Less will do if `least_inliers` and most of the patches agree with it.
        least_agreement: share of the confidence of a point matcher's points that must agree.

    Raises:
        InputError: a number makes no sense.
    """

    normalisation: Normalisation = "z-score"
    overlap: float = 0.5
    least_data: float = 0.5
    tolerance: float = 3.0
    model: Model = "translation"
    least_inliers: int = 4
    least_confidence: float = 0.98
    least_agreement: float = 0.2

    def __post_init__(self) -> None:
        self._check("overlap", 0 <= self.overlap < 1, "a share of 0 or more and below 1")
        self._check("least_data", 0 < self.least_data <= 1, "a share above 0 and up to 1")
        self._check("tolerance", self.tolerance > 0, "pixels above 0")
        self._check("least_inliers", self.least_inliers >= 1, "at least 1")
        self._check("least_confidence", self.least_confidence >= 0, "0 or more")
        self._check("least_agreement", self.least_agreement >= 0, "0 or more")

    def _check(self, name: str, fits: bool, expected: str) -> None:
        if not fits:
            raise InputError(f"registration: {name}: expected {expected}, found {getattr(self, name)}; correct it")


@dataclass(frozen=True)
class TileOffset:
    """What was found for a tile.

    Args:
        offset: rows and columns, optical position minus SAR position: what is at p in the SAR image is at p + offset
            in the optical one; at the centre of the tile if the model is affine. (0, 0) unless `status` is
            `registered`.
        confidence: in [0, 1]. Of area matchers that of the peak of all patches' heatmaps together, see `find_peak`; of
            point matchers the share of the points' confidence that agrees.
        inliers: points, or patches' peaks, within the tolerance of the transform.
        points: number of points, or patches, that were compared.
        status: see `Status`.
        transform: of (row, column, 1) in the SAR image to the optical one, 2 x 3; moves nothing unless registered.
        found: the offset that was measured, whether it is applied or not; None where nothing was.
    """

    offset: tuple[float, float]
    confidence: float
    inliers: int
    points: int
    status: Status
    transform: tuple[tuple[float, float, float], tuple[float, float, float]] = STAY
    found: tuple[float, float] | None = None


def register_tile(
    matcher: Matcher, sar: Raster, optical: Raster, name: str, settings: TileSettings = TileSettings()
) -> TileOffset:
    """The offset of a tile.

    Args:
        matcher: what compares patches.
        sar: whole image (H, W); bands of (H, W, C) are averaged after normalisation.
        optical: whole image (H, W, 3) of the same size, on the same grid.
        name: of the tile, for messages.
        settings: see `TileSettings`.

    Raises:
        InputError: the images have different sizes, or the matcher gives heatmaps of another size than its search.
    """
    shape = sar.pixels.shape[:2]
    if optical.pixels.shape[:2] != shape:
        raise InputError(
            f"{name}: expected an optical image of the size of the SAR image, {shape[0]}x{shape[1]} pixels, found "
            f"{optical.pixels.shape[0]}x{optical.pixels.shape[1]}; resample it to the grid of the SAR image"
        )
    patches = patches_of(shape, matcher.patch, matcher.search, settings.overlap, SMALLEST_PATCH)
    if not patches:
        return _nothing("too small")
    gaps = sar.no_data(), optical.no_data()
    patches = [patch for patch in patches if _has_data(patch, gaps[0] | gaps[1], settings.least_data)]
    if not patches:
        return _nothing("no data")
    grey, colours = (
        normalized(image.pixels, gap, settings.normalisation) for image, gap in zip((sar, optical), gaps, strict=True)
    )
    if grey is None or colours is None:
        return _nothing("constant")
    pairs = [(patch, grey.mean(axis=0)[patch.area], colours[:, *patch.window]) for patch in patches]
    if isinstance(matcher, AreaMatcher):
        return _by_area(matcher, pairs, shape, settings)
    return _by_points(matcher, pairs, shape, settings)


Pair = tuple[Patch, NDArray[np.float32], NDArray[np.float32]]
"""A patch, its SAR pixels and the pixels of its optical window."""


def _by_area(matcher: AreaMatcher, pairs: list[Pair], shape: tuple[int, int], settings: TileSettings) -> TileOffset:
    """From the sum of all heatmaps: a peak that no single patch shows clearly stands out in it."""
    heatmaps = [matcher.heatmap(grey, colours) for _, grey, colours in pairs]
    side = 2 * matcher.search + 1
    if any(heatmap.shape != (side, side) for heatmap in heatmaps):
        raise InputError(
            f"{type(matcher).__name__}: expected heatmaps of {side}x{side} offsets, found {heatmaps[0].shape}; correct "
            "the matcher"
        )
    together = find_peak(np.mean(heatmaps, axis=0))
    peaks = [find_peak(heatmap) for heatmap in heatmaps]
    centres = np.array([[p.row + (p.height - 1) / 2, p.column + (p.width - 1) / 2] for p, _, _ in pairs])
    moves = np.array([[peak.row, peak.column] for peak in peaks]) - matcher.search
    confidence = np.array([peak.confidence for peak in peaks])
    offset = np.array([together.row, together.column]) - matcher.search
    if settings.model == "affine":
        points = Correspondences(centres, centres + moves, confidence)
        return _agreed(points, together.confidence, matcher.search, shape, settings)
    agreeing = int((np.square(moves - offset).sum(axis=1) <= settings.tolerance**2).sum())
    most_agree = agreeing >= settings.least_inliers and 2 * agreeing > len(peaks)
    sure = together.confidence >= settings.least_confidence or most_agree
    status: Status = "registered" if sure else "unsure"
    if together.at_border:
        status = "beyond the search"
    transform = np.column_stack([np.eye(2), offset])
    return _result(status, transform, together.confidence, agreeing, len(peaks), shape)


def _by_points(matcher: Matcher, pairs: list[Pair], shape: tuple[int, int], settings: TileSettings) -> TileOffset:
    found = [(patch, matcher.match(grey, colours)) for patch, grey, colours in pairs]
    points = Correspondences(
        np.concatenate([some.sar + patch.origin for patch, some in found]),
        np.concatenate([some.optical + patch.origin - patch.search for patch, some in found]),
        np.concatenate([some.confidence for _, some in found]),
    )
    return _agreed(points, None, matcher.search, shape, settings)


def _agreed(
    points: Correspondences, confidence: float | None, search: int, shape: tuple[int, int], settings: TileSettings
) -> TileOffset:
    """From the points on which most agree, whose confidence is the share of all that they have unless it is given."""
    agreed = find_consensus(points, settings.tolerance, settings.model)
    total = len(points.confidence)
    if agreed is None:
        return TileOffset((0.0, 0.0), 0.0, 0, total, "unsure")
    least = settings.least_confidence
    if confidence is None:
        confidence = float(points.confidence[agreed.inliers].sum() / points.confidence.sum())
        least = settings.least_agreement
    inliers = int(agreed.inliers.sum())
    sure = inliers >= settings.least_inliers and confidence >= least
    status: Status = "registered" if sure else "unsure"
    if sure and np.abs(_at_centre(agreed.transform, shape)).max() > search:
        status = "beyond the search"
    return _result(status, agreed.transform, confidence, inliers, total, shape)


def _result(
    status: Status,
    transform: NDArray[np.float64],
    confidence: float,
    inliers: int,
    points: int,
    shape: tuple[int, int],
) -> TileOffset:
    row, column = _at_centre(transform, shape).tolist()
    if status != "registered":
        return TileOffset((0.0, 0.0), confidence, inliers, points, status, found=(row, column))
    (a, b, c), (d, e, f) = transform.tolist()
    return TileOffset((row, column), confidence, inliers, points, status, ((a, b, c), (d, e, f)), (row, column))


def _at_centre(transform: NDArray[np.float64], shape: tuple[int, int]) -> NDArray[np.float64]:
    """How far the centre of the tile moves: rows and columns."""
    centre = (np.array(shape) - 1) / 2
    moved: NDArray[np.float64] = (transform[:, :2] - np.eye(2)) @ centre + transform[:, 2]
    return moved


def _nothing(status: Status) -> TileOffset:
    return TileOffset((0.0, 0.0), 0.0, 0, 0, status)


def _has_data(patch: Patch, no_data: NDArray[np.bool_], least: float) -> bool:
    return 1 - float(no_data[patch.area].mean()) >= least
