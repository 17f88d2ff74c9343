"""Pairs of OpenEarthMap-SAR, and of the demo scenes in its layout."""

from __future__ import annotations

from pathlib import Path

from landcover.data_sets.dfc2025 import dfc2025_tiles
from stage2_sar_seg.registration.pairs.image_pair import ImagePair


def open_earth_map_sar_pairs(root: Path) -> list[ImagePair]:
    """Training pairs of OpenEarthMap-SAR, sorted by name, see `dfc2025_tiles`.

    Taken as co-registered, which they are to a few pixels: labels made from them are off by as much.

    Raises:
        InputError: as `dfc2025_tiles`.
    """
    return [
        ImagePair(tile.name, tile.sar, tile.optical)
        for tile in dfc2025_tiles(root, "train")
        if tile.optical is not None
    ]
