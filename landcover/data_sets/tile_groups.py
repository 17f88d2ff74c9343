"""Which tiles lie together, as their footprints or their names tell."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.images.footprint import at_one_place, overlap_groups, read_footprint


def _by_footprint(images: Sequence[Path]) -> NDArray[np.int64] | str:
    """Groups of overlapping images, or why they cannot be told."""
    footprints = []
    for path in images:
        footprint = read_footprint(path)
        if footprint is None:
            return f"no georeferencing in {path.name}"
        footprints.append(footprint)
    return "the same corner in all georeferencing" if at_one_place(footprints) else overlap_groups(footprints)


def _by_region(images: Sequence[Path]) -> NDArray[np.int64] | str:
    """Groups of images named after one region, or why they cannot be told."""
    regions = []
    for path in images:
        region, _, number = path.stem.rpartition("_")
        if not (region and number.removeprefix("p").isdecimal()):  # SEN1-2 writes p7 for patch 7
            return f"no <region>_<number> in the name {path.name}"
        regions.append(region)
    names, groups = np.unique(regions, return_inverse=True)
    return groups if len(names) > 1 else f"one region in all names ({regions[0]})"


def _tile_by_tile(images: Sequence[Path]) -> NDArray[np.int64]:
    return np.arange(len(images))


GROUPINGS: dict[str, Callable[[Sequence[Path]], NDArray[np.int64] | str]] = {
    "footprint": _by_footprint,
    "region": _by_region,
    "random": _tile_by_tile,
}
"""How tiles are told to lie together, by name: a number (N,) for each of N images, or why they can not be told."""
