"""Which pairs teach with their offset, which without, and which are kept for the test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from landcover.data_sets.hold_out import hold_out
from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.image_pair import ImagePair


@dataclass(frozen=True)
class PairSplit:
    """Three sets of pairs without a pair in common, each sorted by name.

    Args:
        labelled: their offset may be looked at.
        unlabelled: the other training pairs.
        test: not seen in training; empty if none were wanted.
        note: one line on the test pairs for the user, empty without.
    """

    labelled: list[ImagePair]
    unlabelled: list[ImagePair]
    test: list[ImagePair]
    note: str = ""


def split_pairs(
    pairs: Sequence[ImagePair], labelled_share: float, test_share: float | None, by: str, seed: int
) -> PairSplit:
    """Splits pairs by seed and names, whatever their order.

    Args:
        pairs: of different names.
        labelled_share: of the training pairs, in (0, 1]; at least one is labelled.
        test_share: of all pairs, see `hold_out`; None for no test pairs.
        by: what keeps test pairs apart, see `hold_out`.
        seed: of both draws.

    Raises:
        InputError: a share out of range, or as `hold_out`.
    """
    if not 0 < labelled_share <= 1:
        raise InputError(
            f"--labelled: expected a share above 0 and up to 1, found {labelled_share:g}; 1/16 is published"
        )
    ordered = sorted(pairs, key=lambda pair: pair.name)
    training, test, note = ordered, list[ImagePair](), ""
    if test_share is not None:
        held = hold_out([pair.sar for pair in ordered], test_share, by, seed)
        training, test = [ordered[n] for n in held.training], [ordered[n] for n in held.held_out]
        note = held.note
    count = max(1, round(labelled_share * len(training)))
    drawn = set(np.random.default_rng(seed).permutation(len(training))[:count].tolist())
    return PairSplit(
        labelled=[pair for n, pair in enumerate(training) if n in drawn],
        unlabelled=[pair for n, pair in enumerate(training) if n not in drawn],
        test=test,
        note=note,
    )
