"""Settings of the reassignment, as REASSIGN_OPTIONS gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from landcover.profiles.key_values import checked_value, number_within

VARIABLE = "REASSIGN_OPTIONS"

LIMITS = {
    "threshold": (0, 1),
    "least": (0, 1),
    "fraction": (0, 1),
    "slack": (0, 1),
    "sharpness": (0.1, 100),
    "region_weight": (0, 1),
    "sar_weight": (0, 100),
}
"""Smallest and largest value of every number that may be broken."""

LARGEST_SIDE = 4096

Shares = Literal["scores", "labels"]
Regions = Literal["superpixels", "cells"]


@dataclass(frozen=True)
class ReassignmentSettings:
    """Which labels are reassigned, and how.

    Args:
        threshold: least mean probability of a label that all models find most probable too; such labels stay.
        least: share of a pixel in one class from which on that is its label; below it keeps what it had.
        fraction: of a tile that is allocated, the pixels that fit best first. 1 as all pixels have scores: training
            with few labels raises it from 0, a user may from round to round.
        slack: how much more of a tile than its share a class may take. Without any, pixels are forced into classes that
            the tile does not have, whose small probabilities add up to some share of it.
        shares: `scores`: of a class in a tile, its mean probability; counts of most probable classes would lose the
            rare ones, which seldom win. `labels`: its share of the known labels of the tile, or of all tiles together
            where a tile has none.
        sharpness: inverse of the regularisation. At 1 probabilities have the shares; the larger, the more do the labels
            that follow from them.
        regions: `superpixels` of the optical image, or square `cells`.
        side: of a region in pixels.
        region_weight: of regions beside single pixels.
        sar_weight: of all SAR models together, where that of all teachers is 1: radar shows less.
        soft: whether the assignment is written too, as score files.

    Raises:
        InputError: a value is none of these.
    """

    threshold: float = 0.9
    least: float = 0.5
    fraction: float = 1.0
    slack: float = 0.03
    shares: Shares = "scores"
    sharpness: float = 2.0
    regions: Regions = "superpixels"
    side: int = 8
    region_weight: float = 0.5
    sar_weight: float = 0.5
    soft: bool = False

    def __post_init__(self) -> None:
        for name, (least, most) in LIMITS.items():
            number_within(VARIABLE, name, getattr(self, name), least, most)
        number_within(VARIABLE, "side", self.side, 1, LARGEST_SIDE, int)
        checked_value(VARIABLE, "shares", self.shares, Shares)
        checked_value(VARIABLE, "regions", self.regions, Regions)
        checked_value(VARIABLE, "soft", self.soft, Literal[True, False])
