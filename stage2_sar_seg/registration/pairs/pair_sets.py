"""Data sets of pairs by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from stage2_sar_seg.registration.pairs.demo import demo_pairs
from stage2_sar_seg.registration.pairs.image_pair import ImagePair
from stage2_sar_seg.registration.pairs.open_earth_map_sar import open_earth_map_sar_pairs
from stage2_sar_seg.registration.pairs.qxs_saropt import qxs_saropt_pairs
from stage2_sar_seg.registration.pairs.sen12 import sen12_pairs


@dataclass(frozen=True)
class PairSet:
    """A data set.

    Args:
        read: its pairs, from its folder.
        split_by: what keeps test pairs apart from training pairs, see `hold_out`.
    """

    read: Callable[[Path], list[ImagePair]]
    split_by: str


PAIR_SETS = {
    "demo": PairSet(demo_pairs, "footprint"),
    "dfc2025": PairSet(open_earth_map_sar_pairs, "auto"),
    "qxs-saropt": PairSet(qxs_saropt_pairs, "random"),  # no file tells where a pair lies
    "sen1-2": PairSet(sen12_pairs, "region"),  # the scene
}
