"""Training samples from tiles on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from mmseg.registry import TRANSFORMS
from numpy.typing import NDArray
from torch.utils.data import Dataset

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.class_statistics import class_counts
from landcover.data_sets.ordinal_sampler import shuffled_index
from landcover.data_sets.rare_class_sampling import RareClassSampling, RareClassSettings
from landcover.data_sets.stored_tiles import StoredTiles, TrainingTile
from landcover.data_sets.training_sample import TrainingSample
from landcover.data_sets.windows import cut_tiles
from landcover.errors import InputError
from landcover.images.modality import Modality, each, main_file
from landcover.images.source import Bands
from landcover.transforms.random_scale_crop import RandomScaleCrop
from landcover.transforms.sample import Sample, Transform


class TrainingTiles(Dataset[dict[str, Any]]):
    """Augmented crops of tiles, indexed by the ordinals of `OrdinalSampler`.

    Labels are void where the image has no data. Pixels of tiles without labels have index 0, and `IGNORE_INDEX`
    where there is no data or a crop reaches beyond the tile: their indices tell what is image. With `marks_unlabelled`
    every pixel that is image and has no label has `UNLABELLED_INDEX`, also in tiles with labels.

    Args:
        tiles: what to sample from; without `rare_classes` each epoch sees every tile once, in a new order.
        modality: how images are read; of several modalities, tiles name a file for each.
        crop_size: side of the crops, pixels.
        scale: range of the random scale factor.
        max_class_share: see `RandomScaleCrop`.
        augmentations: further transforms (configs of the TRANSFORMS registry), in order.
        seed: of order and augmentation. A sample depends on the seed and its ordinal alone.
        rare_classes: None, or `temperature` and `min_pixels` of `RareClassSampling`: every sample is drawn for a
            class, from a tile with labels that shows it.
        statistics: file that keeps the class counts which `rare_classes` needs, see `class_counts`.
        bands: which bands of SAR images are read, see `read_sar`.
        scheme: classes of the label files.
        largest_tile: side, pixels, above which images are cut into tiles, see `cut_tiles`; None cuts none.
        marks_unlabelled: see above.
    """

    def __init__(
        self,
        tiles: Sequence[TrainingTile],
        modality: Modality,
        crop_size: int,
        scale: tuple[float, float] = (0.5, 2.0),
        max_class_share: float = 0.75,
        augmentations: Sequence[Mapping[str, Any]] = (),
        seed: int = 0,
        rare_classes: Mapping[str, Any] | None = None,
        statistics: Path | None = None,
        bands: Bands = (),
        scheme: ClassScheme = OPEN_EARTH_MAP,
        largest_tile: int | None = None,
        marks_unlabelled: bool = False,
    ) -> None:
        if not tiles:
            raise InputError(f"training set ({modality}): expected at least one tile, found none; check the data root")
        self.tiles, self.seed = _cut(tiles, largest_tile, crop_size), seed
        self._stored = StoredTiles(self.tiles, modality, bands, scheme, marks_unlabelled)
        self._rare_classes: RareClassSampling | None = None
        min_class_pixels = 0
        if rare_classes is not None:
            settings = RareClassSettings.from_config(rare_classes)
            self._rare_classes = RareClassSampling(_class_counts(self.tiles, statistics, scheme), settings)
            min_class_pixels = settings.min_pixels
        self._crop = RandomScaleCrop(crop_size, scale, max_class_share, min_class_pixels=min_class_pixels)
        self._augmentations: list[Transform] = [TRANSFORMS.build(dict(settings)) for settings in augmentations]
        # mmengine stores it in checkpoints and passes it to its visualizer.
        self.metainfo = {"classes": scheme.classes, "palette": scheme.palette}

    def __len__(self) -> int:
        return len(self.tiles)

    def __getitem__(self, ordinal: int) -> dict[str, Any]:
        """What a model trains on.

        Returns:
            `inputs`: (C, size, size) uint8, uint16 or float32 tensor, of several modalities a mapping to such tensors;
            `data_samples`: training indices (1, size, size), uint8 until they are moved to a device, see
            `TrainingSample`, and the image file as `img_path`, so that messages can tell the file.
        """
        tile, sample = self._augmented(ordinal)
        assert sample.indices is not None, "every tile has indices"
        labels = TrainingSample.of(_to_tensor(sample.indices), str(main_file(tile.image)))
        return {"inputs": each(sample.image, _to_tensor), "data_samples": labels}

    def sample(self, ordinal: int) -> Sample:
        """The augmented sample `ordinal`."""
        return self._augmented(ordinal)[1]

    def _augmented(self, ordinal: int) -> tuple[TrainingTile, Sample]:
        """The tile of sample `ordinal`, and the sample."""
        rng = np.random.default_rng([self.seed, ordinal])
        number, wanted = self._draw(ordinal, rng)
        tile = self.tiles[number]
        stored = self._stored.open(number)
        window = self._crop.draw(stored.indices.shape, stored.indices, rng, wanted)
        sample = self._crop.fitted(stored.image(window.area), stored.indices, window)
        for augmentation in self._augmentations:
            sample = augmentation(sample, rng)
        return tile, sample

    def _draw(self, ordinal: int, rng: np.random.Generator) -> tuple[int, int | None]:
        """Position of the tile, and the class that it was drawn for, if any."""
        if self._rare_classes is None:
            return shuffled_index(ordinal, len(self.tiles), self.seed), None
        return self._rare_classes.draw(rng)


def _to_tensor(pixels: NDArray[Any]) -> torch.Tensor:
    """(C, H, W) of (H, W) or (H, W, C)."""
    if pixels.ndim == 2:
        return torch.from_numpy(np.ascontiguousarray(pixels[None]))
    bands = np.empty((pixels.shape[2], *pixels.shape[:2]), pixels.dtype)
    cv2.split(pixels, list(bands))  # of three bands of uint8, numpy's transpose takes eight times as long
    return torch.from_numpy(bands)


def _cut(tiles: Sequence[TrainingTile], largest_tile: int | None, crop_size: int) -> list[TrainingTile]:
    if largest_tile is None:
        return list(tiles)
    if not isinstance(largest_tile, int) or isinstance(largest_tile, bool) or largest_tile < crop_size:
        raise InputError(
            f"largest_tile: expected None, or a whole number of at least crop_size, {crop_size}, found "
            f"{largest_tile!r}; crops come from single tiles"
        )
    return cut_tiles(tiles, largest_tile)


def _class_counts(tiles: Sequence[TrainingTile], statistics: Path | None, scheme: ClassScheme) -> NDArray[np.int64]:
    """Pixels per tile and class, int64 (tiles, C)."""
    labels = [tile.labels for tile in tiles if tile.labels is not None]
    if len(labels) < len(tiles):
        raise InputError(
            f"rare_classes: expected labels for each of {len(tiles)} training tiles, found them for {len(labels)}; "
            "set train_dataloader.dataset.rare_classes=None, of teachers "
            "train_dataloader.dataset.source.rare_classes=None"
        )
    return class_counts(labels, statistics, scheme, [tile.area for tile in tiles])
