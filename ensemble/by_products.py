"""How sure an average is: agreement of its members, entropy and margin of its probabilities.

The probabilities of an average of `probabilities` are the weighted mean of its members', those of an average of
`logits` the exponential of their weighted mean log-probability (their geometric mean); both normalised to sum 1.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ensemble.members import check_classes
from ensemble.tile_sums import TileSums, best_class, open_sums
from ensemble.weights import Average, Weights
from landcover.classes import ClassScheme

ByProduct = Literal["agreement", "entropy", "margin"]

BY_PRODUCTS: tuple[ByProduct, ...] = get_args(ByProduct)

Maps = dict[ByProduct, NDArray[np.float32]]


def average_with_by_products(
    paths: Sequence[Path],
    weights: Weights,
    average: Average,
    scheme: ClassScheme,
    wanted: Collection[ByProduct],
    class_weights: Sequence[float] | None = None,
) -> tuple[NDArray[np.uint8], Maps]:
    """Labels of `average_labels`, and maps of how sure they are; every file is decoded once.

    * `agreement`: share of the members whose own best class is the label, whatever their weight;
    * `entropy`: of the probabilities, divided by log C: 0 for one certain class, 1 for C equal ones;
    * `margin`: the best probability minus the second best.

    Args:
        paths: score files of one tile, one per member.
        weights: of the members.
        average: what is averaged.
        scheme: class scheme of the files.
        wanted: maps to make.
        class_weights: factor of every class.

    Returns:
        Labels (H, W), uint8, 1..C, and the maps by name, float32 (H, W), 0..1.

    Raises:
        InputError: as `average_labels`.
    """
    with open_sums(paths, average, weights, class_weights) as tiles:
        check_classes(paths[0], tiles.header, scheme)
        size = tiles.header.height, tiles.header.width
        labels = np.empty(size, dtype=np.uint8)
        maps: Maps = {name: np.empty(size, dtype=np.float32) for name in BY_PRODUCTS if name in wanted}
        for place in tiles.places():
            area = labels[place.area]
            votes = np.zeros((scheme.num_classes, *area.shape), dtype=np.uint16)
            sums = tiles.sums(place, partial(_vote, votes) if "agreement" in maps else None)
            area[:] = best_class(list(sums), range(1, len(sums) + 1))[0]
            if "agreement" in maps:
                chosen = np.take_along_axis(votes, area[None] - np.uint8(1), axis=0)[0]
                maps["agreement"][place.area] = chosen / np.float32(len(paths))
            if maps.keys() & {"entropy", "margin"}:
                probabilities = sum_probabilities(sums, tiles, average)
                if "entropy" in maps:
                    maps["entropy"][place.area] = entropy(probabilities)
                if "margin" in maps:
                    maps["margin"][place.area] = margin(probabilities)
    return labels, maps


def sum_probabilities(sums: NDArray[Any], tiles: TileSums, average: Average) -> NDArray[np.float32]:
    """Probabilities (C, H, W), float32, sum 1, of the weighted sums of `tiles`; equal ones where all sums are 0."""
    values = sums.astype(np.float32)
    if average == "logits":
        values -= values.max(axis=0)
        values *= np.float32(tiles.log_range / (255 * tiles.weights.total))
        np.exp(values, out=values)
    else:
        values[:, values.max(axis=0) == 0] = 1
    return np.divide(values, values.sum(axis=0), out=values)


def entropy(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Entropy (H, W), float32, of probabilities (C, H, W), divided by log C: 0..1."""
    logarithms = np.log(np.maximum(probabilities, np.finfo(np.float32).tiny))
    total = -(probabilities * logarithms).sum(axis=0) / np.float32(np.log(len(probabilities)))
    return np.clip(total, 0, 1)


def margin(probabilities: NDArray[np.float32]) -> NDArray[np.float32]:
    """Largest minus second largest of probabilities (C, H, W): float32 (H, W), 0..1."""
    second, best = np.partition(probabilities, (-2, -1), axis=0)[-2:]
    return np.asarray(best - second)


def as_bytes(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Values 0..1 as uint8, round(255 value)."""
    return np.rint(values * np.float32(255)).astype(np.uint8)


def _vote(votes: NDArray[np.uint16], index: int, codes: NDArray[np.uint8]) -> None:
    """Adds a member's vote for its best class to `votes` (C, rows, columns)."""
    own = best_class(list(codes), range(1, len(codes) + 1))[0]
    for plane, count in enumerate(votes):
        count += own == plane + 1
