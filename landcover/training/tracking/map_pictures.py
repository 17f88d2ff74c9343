"""Maps of a model in training as pictures: image, labels and map side by side."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from torch import nn

from landcover.data_sets.training_tiles import TrainingTile
from landcover.images.modality import Image, Modality, main_file, part_of
from landcover.images.no_data import Raster
from landcover.processes.group import Processes
from landcover.report.pictures import shrink_image, shrink_map, side_by_side, stretch_sar
from landcover.training.training import Training
from landcover.training.validation_hook import map_tiles

PICTURES = 3
"""Tiles of which a tracker gets maps."""


def map_pictures(training: Training, model: nn.Module, processes: Processes) -> Iterator[tuple[str, NDArray[np.uint8]]]:
    """Name and RGB picture of some validation tiles, mapped by the module in training; none without such tiles.

    The same tiles at every call, spread over the validation tiles. No random number is drawn.
    """
    if training.validation is None:
        return
    tiles, scheme = spread(training.validation.tiles, PICTURES), training.scheme
    exported, window = training.exported(model), training.config.crop_size
    mapped = map_tiles(exported, tiles, training.validation, training.modality, window, processes)
    for tile, (image, labels, predicted) in zip(tiles, mapped, strict=True):
        maps = [scheme.to_colours(shrink_map(one)) for one in (labels, predicted)]
        yield main_file(tile.image).stem, side_by_side([shown(image, training.modality), *maps])


def spread(tiles: Sequence[TrainingTile], count: int) -> list[TrainingTile]:
    """Up to `count` tiles at even distances, the first one among them."""
    return [tiles[n * len(tiles) // count] for n in range(count)] if len(tiles) > count else list(tiles)


def shown(image: Image, modality: Modality) -> NDArray[np.uint8]:
    """RGB picture of an image, of several modalities that of the SAR image."""
    sar = part_of(image, modality, "sar")
    if sar is None:
        return shrink_image(part_of(image, modality, "optical"))
    return np.asarray(cv2.cvtColor(shrink_image(stretch_sar(Raster(sar))), cv2.COLOR_GRAY2RGB), dtype=np.uint8)
