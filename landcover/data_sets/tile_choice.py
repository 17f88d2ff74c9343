"""Tiles by a share that is spread over the regions, or by a list of names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from landcover.data_sets.name_list import listed_names, tile_name
from landcover.data_sets.tile_groups import GROUPINGS
from landcover.errors import InputError


def chosen_names(
    which: str, images: Mapping[str, Path], seed: int, option: str, others: Mapping[str, str] | None = None
) -> list[str]:
    """Names of the chosen tiles, in the order of `images`.

    Args:
        which: a share above 0 and up to 1, such as `1/8` or `0.125`, rounded to whole tiles but at least one; or a text
            file with the name of a tile in every line. For one seed, a smaller share is part of a larger one.
        images: a file of every tile by its name, at least one.
        seed: of the draw of a share, see `spread_order`.
        option: what the user calls `which`, for messages.
        others: tiles that can not be chosen, by name: how a message that refuses them ends.

    Raises:
        InputError: no share or file, a share out of range, or a list without names or with others.
    """
    try:
        share = Fraction(which)
    except (ValueError, ZeroDivisionError):
        chosen = _listed(Path(which), images, option, others or {})
    else:
        if not 0 < share <= 1:
            raise InputError(f"{option}: expected a share above 0 and up to 1, such as 1/8, found {which}; correct it")
        names = list(images)
        count = max(1, int(share * len(names) + Fraction(1, 2)))
        chosen = {names[position] for position in spread_order([*images.values()], seed)[:count]}
    return [name for name in images if name in chosen]


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


def _regions(images: Sequence[Path]) -> list[int]:
    """Number of the region of every image."""
    for by in ("region", "footprint"):
        groups = GROUPINGS[by](images)
        if not isinstance(groups, str):
            return [int(group) for group in groups]
    return [0] * len(images)


def _listed(path: Path, images: Mapping[str, Path], option: str, others: Mapping[str, str]) -> set[str]:
    if not path.is_file():
        raise InputError(
            f"{option}: expected a share such as 1/8 or a text file of tile names, found {path}; correct it"
        )
    chosen = set()
    for where, line in listed_names(path):
        name = tile_name(line)
        if name in others:
            raise InputError(f"{where}: expected the name of a tile that can be chosen, found {name}, {others[name]}")
        if name not in images:
            raise InputError(f"{where}: expected the name of a tile, found {name!r}; correct the line")
        chosen.add(name)
    if not chosen:
        raise InputError(f"{path}: expected the name of a tile in every line, found none; list them, or give a share")
    return chosen
