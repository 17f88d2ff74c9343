"""Label maps of several ensembles, whose members may be the same: every part of a score file is decoded once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ensemble.members import Member, check_classes, class_factors, weights_of
from ensemble.tile_sums import TileSums, open_files
from ensemble.weights import Average
from landcover.classes import ClassScheme
from landcover.score_files.kept_tiles import KeptTiles


@dataclass(frozen=True)
class Ensemble:
    """Models whose scores are averaged.

    Args:
        members: with their weights.
        average: what is averaged.
        class_weights: factors by class name, 1 by default, see `ensemble.weights`.
    """

    members: Sequence[Member]
    average: Average
    class_weights: Mapping[str, float] = field(default_factory=dict)


def label_maps(ensembles: Sequence[Ensemble], tile: str, scheme: ClassScheme) -> NDArray[np.uint8]:
    """Label map of every ensemble for one tile, as `average_labels` has it: uint8 (ensembles, H, W), values 1..C.

    Memory beyond the result is that of one 256x256 tile of all score files and sums.

    Raises:
        InputError: a file is damaged, or the files differ in size or classes, or these are not those of `scheme`.
    """
    paths = list(dict.fromkeys(member.score_file(tile) for ensemble in ensembles for member in ensemble.members))
    with open_files(paths, KeptTiles) as files:
        header, by_path = files[0].header, dict(zip(paths, files, strict=True))
        check_classes(paths[0], header, scheme)
        sums = [
            TileSums(
                [by_path[member.score_file(tile)] for member in ensemble.members],
                ensemble.average,
                weights_of(ensemble.members, scheme),
                class_factors(ensemble.class_weights, scheme),
            )
            for ensemble in ensembles
        ]
        maps = np.empty((len(ensembles), header.height, header.width), dtype=np.uint8)
        for place in sums[0].places():
            for labels, own in zip(maps, sums, strict=True):
                labels[place.area] = own.labels(place)
    return maps
