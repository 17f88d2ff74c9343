"""One random generator per tile."""

from __future__ import annotations

from typing import Literal

import numpy as np

Split = Literal[
    "source_train",
    "source_val",
    "target_train",
    "target_val",
    "target_test",
    "source_pieces",
    "target_pieces",
]

_SPLIT_NUMBERS: dict[Split, int] = {
    "source_train": 0,
    "source_val": 1,
    "target_train": 2,
    "target_val": 3,
    "target_test": 4,
    "source_pieces": 5,
    "target_pieces": 6,
}


def tile_generator(seed: int, split: Split, index: int) -> np.random.Generator:
    """Generator of tile `index` of `split`, independent of every other tile and of how many there are.

    The last two are those of the pieces that published labels are made of.
    """
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(_SPLIT_NUMBERS[split], index)))
