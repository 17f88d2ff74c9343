"""Tiles on disk that are read again and again: what stays decoded, and what need not be read."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import get_worker_info

from landcover.classes import IGNORE_INDEX, OPEN_EARTH_MAP, UNLABELLED_INDEX, ClassScheme
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.modality import (
    Image,
    ImageFile,
    Modality,
    each,
    main_file,
    parts_of,
    read_image,
    read_whole,
)
from landcover.images.packed_mask import PackedMask
from landcover.images.raster import read_info
from landcover.images.segments import Area
from landcover.images.source import Bands

DECODED_BYTES = 2 * 1024**3
"""Memory for the decoded tiles of one data set, over all processes of this machine that load it: each has its own."""

MASK_BYTES = 2**14
"""Largest packed mask that is remembered: 80 MB for 5,000 tiles. A wedge takes an eighth of it; pixels without data all
over an image take more."""


@dataclass(frozen=True)
class TrainingTile:
    """Image file, or those of several modalities, and, if there is one, the label file.

    Args:
        image: file or files.
        labels: file of the same size.
        area: rows and columns of them that are the tile; None for the whole image.
    """

    image: ImageFile
    labels: Path | None = None
    area: Area | None = None


@dataclass(frozen=True)
class OpenTile:
    """A tile whose labels are there and whose image is read as far as it is asked for.

    Args:
        indices: training indices (H, W), uint8; 0 without labels, void where the image has no data; where unlabelled
            pixels are marked, `UNLABELLED_INDEX` for them and void only where there is no data.
        image: the image's pixels in a window.
    """

    indices: NDArray[np.uint8]
    image: Callable[[Area], Image]


class StoredTiles:
    """The tiles of a data set by position, as one process loads them.

    A set that fits `DECODED_BYTES` with a copy in every loader process stays decoded. Of a larger one nothing stays,
    since tiles come in random order; of a tile that is read again, only the window is decoded: where the whole image
    has no data is remembered.

    Args:
        tiles: image and label files.
        modality: how images are read.
        bands: which bands of SAR images, see `read_sar`.
        scheme: classes of the label files.
        marks_unlabelled: whether pixels of an image without a label are told from what is no image.
    """

    def __init__(
        self,
        tiles: Sequence[TrainingTile],
        modality: Modality,
        bands: Bands = (),
        scheme: ClassScheme = OPEN_EARTH_MAP,
        marks_unlabelled: bool = False,
    ) -> None:
        self._tiles, self._modality, self._bands, self._scheme = tiles, modality, bands, scheme
        self._marks_unlabelled = marks_unlabelled
        self._budget = DECODED_BYTES
        self._keeps: bool | None = None  # not known before this process loads
        self._decoded: dict[int, OpenTile] = {}
        self._no_data: dict[int, PackedMask] = {}  # of tiles read before

    def open(self, number: int) -> OpenTile:
        """The tile at a position.

        Raises:
            InputError: a file is missing, damaged or not of its kind, or labels are of another size than the image.
        """
        if self._keeps is None:
            self._keeps = fits(self._tiles, self._budget // copies())
        if number in self._decoded:
            return self._decoded[number]
        tile = self._read_again(number) if number in self._no_data else self._read(number)
        if self._keeps:
            self._decoded[number] = tile
        return tile

    def _read(self, number: int) -> OpenTile:
        tile = self._tiles[number]
        image, no_data = read_whole(tile.image, self._modality, self._bands, area=tile.area)
        packed = PackedMask.of(no_data)
        if not self._keeps and len(packed.data) <= MASK_BYTES:
            self._no_data[number] = packed
        return OpenTile(self._indices(tile, packed), partial(_cut, image))

    def _read_again(self, number: int) -> OpenTile:
        tile = self._tiles[number]
        image = partial(_read_window, tile, self._modality, self._bands)
        return OpenTile(self._indices(tile, self._no_data[number]), image)

    def _indices(self, tile: TrainingTile, no_data: PackedMask) -> NDArray[np.uint8]:
        height, width = no_data.shape
        indices = _indices(tile, (height, width), self._scheme)
        if self._marks_unlabelled:
            indices[indices == IGNORE_INDEX if tile.labels else ...] = UNLABELLED_INDEX
        mask = no_data.unpacked()
        if mask is not None:
            indices[mask] = IGNORE_INDEX  # labelled from elsewhere; nothing can be learned there
        return indices


def fits(tiles: Sequence[TrainingTile], limit: int) -> bool:
    """Whether images and indices of all tiles take at most `limit` bytes when decoded; reads headers until they do not.

    Args:
        tiles: image files.
        limit: bytes.
    """
    total = 0
    for tile in tiles:
        infos = [read_info(path) for path in parts_of(tile.image)]
        pixels = infos[0].height * infos[0].width if tile.area is None else _pixels(tile.area)
        total += pixels * (1 + sum(info.bands * info.dtype.itemsize for info in infos))
        if total > limit:
            return False
    return True


def copies() -> int:
    """Processes of this machine that load the same set: its training processes times the loaders of each."""
    # set by torchrun; Slurm's processes may be on other machines, which errs on the side of less memory
    trainings = int(os.environ.get("LOCAL_WORLD_SIZE") or os.environ.get("WORLD_SIZE") or 1)
    loader = get_worker_info()
    return trainings * (1 if loader is None else loader.num_workers)


def _cut(image: Image, area: Area) -> Image:
    return each(image, lambda pixels: pixels[area])


def _pixels(area: Area) -> int:
    rows, columns = area
    return int(rows.stop - rows.start) * int(columns.stop - columns.start)


def _read_window(tile: TrainingTile, modality: Modality, bands: Bands, area: Area) -> Image:
    """The image in a window of the tile."""
    if tile.area is not None:
        top, left = tile.area[0].start, tile.area[1].start
        rows, columns = area
        area = slice(top + rows.start, top + rows.stop), slice(left + columns.start, left + columns.stop)
    return read_image(tile.image, modality, area, bands)


def _indices(tile: TrainingTile, size: tuple[int, int], scheme: ClassScheme) -> NDArray[np.uint8]:
    if tile.labels is None:
        return np.zeros(size, np.uint8)
    labels = read_labels(tile.labels, scheme, tile.area)
    if labels.shape != size:
        raise InputError(
            f"{tile.labels}: expected the size of {main_file(tile.image)} {size}, found {labels.shape}; "
            "the label file belongs to another image"
        )
    return scheme.to_indices(labels)
