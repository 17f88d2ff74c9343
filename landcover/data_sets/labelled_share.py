"""Which of the tiles with manual labels count: a share that is spread over the regions, or those of a list."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from landcover.data_sets.name_list import listed_names, tile_name
from landcover.data_sets.tile_groups import GROUPINGS
from landcover.errors import InputError


def spread_order(images: Sequence[Path], seed: int = 0) -> list[int]:
    """Positions of tiles in an order of which every beginning is spread evenly over the regions.

    Of n tiles of one region, the first k of the order hold n k / N or one more or less: tile i of the region, in an
    order drawn by `seed`, stands at (i + u) / n of the whole, with one u in [0, 1) for each region (systematic
    sampling). A shorter beginning is part of a longer one. Regions are those of the names `<region>_<number>`, without
    them chains of images that overlap on the ground, without both all tiles are one.

    The order depends on seed, file names and places, not on the order of `images` or their folder.

    Args:
        images: files of the tiles.
        seed: of the draw.
    """
    by_name = sorted(range(len(images)), key=lambda position: (images[position].stem, str(images[position])))
    rng = np.random.default_rng(seed)
    places: list[tuple[float, int]] = []
    groups = _regions([images[position] for position in by_name])
    for group in dict.fromkeys(groups):
        members = [position for position, other in zip(by_name, groups, strict=True) if other == group]
        steps = (np.arange(len(members)) + rng.random()) / len(members)
        places += zip(steps.tolist(), (members[n] for n in rng.permutation(len(members))), strict=True)
    return [position for _, position in sorted(places)]


def labelled_names(
    which: str,
    training: Mapping[str, Path],
    labelled: Collection[str],
    seed: int = 0,
    elsewhere: Mapping[str, str] | None = None,
) -> list[str]:
    """Names of the tiles whose manual labels count, in the order of `training`.

    Args:
        which: a share of the tiles with manual labels, above 0 and up to 1, such as `1/8` or `0.125`, rounded to whole
            tiles but at least one; or a text file with the name of a tile in every line. For one seed, a smaller share
            is part of a larger one.
        training: image by name of the training tile.
        labelled: names of the training tiles that have manual labels.
        seed: of the draw of a share.
        elsewhere: names of tiles that are not for training, with the split that they are of, for the message.

    Raises:
        InputError: no share or file, a share out of range, or a list without names, with the name of no training tile
            or of one without manual labels.
    """
    try:
        share = Fraction(which)
    except (ValueError, ZeroDivisionError):
        chosen = _listed(Path(which), training, labelled, elsewhere or {})
    else:
        if not 0 < share <= 1:
            raise InputError(
                f"LABELLED_TILES: expected a share above 0 and up to 1, such as 1/8, found {which}; correct it"
            )
        names = [name for name in training if name in labelled]
        count = max(1, int(share * len(names) + Fraction(1, 2)))
        chosen = {names[position] for position in spread_order([training[name] for name in names], seed)[:count]}
    return [name for name in training if name in chosen]


def _regions(images: Sequence[Path]) -> list[int]:
    """Number of the region of every image."""
    for by in ("region", "footprint"):
        groups = GROUPINGS[by](images)
        if not isinstance(groups, str):
            return [int(group) for group in groups]
    return [0] * len(images)


def _listed(
    path: Path, training: Mapping[str, Path], labelled: Collection[str], elsewhere: Mapping[str, str]
) -> set[str]:
    if not path.is_file():
        raise InputError(
            f"LABELLED_TILES: expected a share such as 1/8 or a text file of tile names, found {path}; correct it"
        )
    chosen = set()
    for where, line in listed_names(path):
        name = tile_name(line)
        if name in elsewhere:
            raise InputError(
                f"{where}: expected the name of a training tile, found {name} of {elsewhere[name]}, which SAR models "
                "are scored on or predict; take it out"
            )
        if name not in training:
            raise InputError(f"{where}: expected the name of a training tile, found {name!r}; correct the line")
        if name not in labelled:
            raise InputError(
                f"{where}: expected a tile with a label file in MANUAL_LABELS, found {name} without one; add the file "
                "or take the line out"
            )
        chosen.add(name)
    if not chosen:
        raise InputError(f"{path}: expected the name of a tile in every line, found none; list the labelled tiles")
    return chosen
