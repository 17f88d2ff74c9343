"""Large images cut into tiles, so that training reads what it needs and sees every place as often."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, product

import numpy as np

from landcover.data_sets.stored_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.modality import main_file
from landcover.images.raster import read_info


def cut_tiles(tiles: Sequence[TrainingTile], side: int) -> list[TrainingTile]:
    """Images larger than `side` x `side` cut into tiles of at most that size, side by side; others as they are.

    The tiles of an image are of one size, to a pixel, and cover it once: an epoch weighs images by their areas. Nothing
    is written, and of files that are not compressed, or in blocks, a tile is read without the rest.

    Args:
        tiles: whole images, with labels or without; only their headers are read.
        side: rows and columns of the largest tile, pixels.

    Raises:
        InputError: a file is missing or damaged, or labels are of another size than their image.
    """
    return [part for tile in tiles for part in _parts(tile, side)]


def _parts(tile: TrainingTile, side: int) -> list[TrainingTile]:
    height, width = _size(tile)
    if max(height, width) <= side:
        return [tile]
    return [replace(tile, area=area) for area in product(_spans(height, side), _spans(width, side))]


def _size(tile: TrainingTile) -> tuple[int, int]:
    info = read_info(main_file(tile.image))
    if tile.labels is not None:
        labels = read_info(tile.labels)
        if (labels.height, labels.width) != (info.height, info.width):
            raise InputError(
                f"{tile.labels}: expected the size of {main_file(tile.image)} {info.height, info.width}, found "
                f"{labels.height, labels.width}; the label file belongs to another image"
            )
    return info.height, info.width


def _spans(length: int, side: int) -> list[slice]:
    """Equal parts of a length, to a pixel, none longer than `side`."""
    borders = np.linspace(0, length, -(-length // side) + 1).round().astype(int).tolist()
    return [slice(start, stop) for start, stop in pairwise(borders)]
