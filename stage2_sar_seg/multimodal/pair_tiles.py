"""Crops of optical and SAR tiles for the training of both branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from mmengine import Config
from mmseg.registry import TRANSFORMS

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.modality import ImageFile, Modality
from landcover.images.same_grid import check_same_grid
from landcover.training.sar_bands import SarBands
from landcover.transforms.albumentation import Albumentation
from landcover.transforms.random_intensity import RandomIntensity
from stage2_sar_seg.multimodal.multimodal_tiles import MultimodalTiles


@dataclass(frozen=True)
class TrainingPairs:
    """The tiles of a multimodal training.

    Args:
        labelled: optical and SAR files with label files.
        unlabelled: optical and SAR files without.
        sar_only: SAR files without an optical one.
    """

    labelled: Sequence[TrainingTile]
    unlabelled: Sequence[TrainingTile] = ()
    sar_only: Sequence[TrainingTile] = ()

    def check(self) -> None:
        """Looks at the headers of all pairs.

        Raises:
            InputError: the two images of a pair do not lie on one grid, or no tile has labels.
        """
        if not self.labelled:
            raise InputError(
                "SAR_TRAINING=multimodal: expected at least one labelled training tile, found none; set LABELS, or "
                "MANUAL_LABELS and LABELLED_TILES"
            )
        images = [tile.image for tile in (*self.labelled, *self.unlabelled)]
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(_check_pair, images))


def pair_tiles(
    config: Config, pairs: TrainingPairs, seed: int, scheme: ClassScheme = OPEN_EARTH_MAP
) -> MultimodalTiles:
    """Crops of the tiles, as the SAR model's config augments them.

    What changes grey values is for the SAR images, and optical ones have `multimodal.data.optical_augmentations`; what
    moves pixels moves those of both. Rare classes can be drawn from labels alone.
    """
    data = dict(config.multimodal.data)
    optical_changes = data.pop("optical_augmentations")
    settings = dict(config.train_dataloader.dataset)
    own = settings.pop("augmentations")
    of_pairs = [*_of_both(own), *(_on("optical", change) for change in optical_changes)]
    free = {**settings, "max_class_share": 1.0, "rare_classes": None}  # no labels to judge a crop by
    bands = SarBands.of(config.sar).read

    def crops(tiles: Sequence[TrainingTile], modality: Modality, stream: int, **further: Any) -> TrainingTiles:
        return TrainingTiles(
            tiles, modality, config.crop_size, seed=seed + stream, bands=bands, scheme=scheme, marks_unlabelled=True,
            **further,
        )  # fmt: skip

    # Streams of their own, so that sample n of all sets does not get the same crop and flips.
    labelled = crops(pairs.labelled, "optical+sar", 0, augmentations=of_pairs, **settings)
    unlabelled = crops(pairs.unlabelled, "optical+sar", 1, augmentations=of_pairs, **free) if pairs.unlabelled else None
    sar_only = crops(pairs.sar_only, "sar", 2, augmentations=own, **free) if pairs.sar_only else None
    return MultimodalTiles(labelled, unlabelled, sar_only, **data)


def _check_pair(image: ImageFile) -> None:
    assert isinstance(image, Mapping), "a pair"
    check_same_grid(image["optical"], image["sar"], "bilinear")


def _of_both(augmentations: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Augmentations of SAR samples, for samples of both images: chains of albumentations come link by link."""
    links: list[Mapping[str, Any]] = []
    for listed in augmentations:
        if TRANSFORMS.get(listed["type"]) is Albumentation:
            links += [{"type": listed["type"], "transforms": [link]} for link in listed["transforms"]]
        else:
            links.append(listed)
    return [_on("sar", link) if _changes_values(link) else link for link in links]


def _changes_values(augmentation: Mapping[str, Any]) -> bool:
    built = TRANSFORMS.build(dict(augmentation))
    return isinstance(built, RandomIntensity) or (isinstance(built, Albumentation) and built.photometric is not None)


def _on(modality: str, transform: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "OnModality", "modality": modality, "transform": transform}
