"""Crops of optical and SAR tiles for the training of both branches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mmengine import Config
from mmseg.registry import TRANSFORMS

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile, dfc2025_tiles
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.modality import Modality
from landcover.images.same_grid import check_same_grid
from landcover.training.sar_bands import SarBands
from landcover.transforms.albumentation import Albumentation
from landcover.transforms.random_intensity import RandomIntensity
from stage2_sar_seg.multimodal.multimodal_tiles import MultimodalTiles
from stage2_sar_seg.training_labels import SAR_ONLY


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

    def __str__(self) -> str:
        """How many there are of each, in a few words."""
        pairs = f"{len(self.labelled)} labelled pairs, {len(self.unlabelled)} unlabelled ones"
        return f"{pairs}, {len(self.sar_only)} SAR tiles alone"

    def images(self) -> list[Mapping[str, Path]]:
        """The two files of every pair."""
        images = [tile.image for tile in (*self.labelled, *self.unlabelled)]
        return [image for image in images if isinstance(image, Mapping)]

    def without_labels(self) -> tuple[TrainingTile, ...]:
        """Unlabelled pairs and SAR tiles alone."""
        return (*self.unlabelled, *self.sar_only)


def training_pairs(
    tiles: Sequence[SarTile], labelled: Sequence[TrainingTile], config: Config, root: Path
) -> TrainingPairs:
    """The tiles of a multimodal training; the headers of both images of every pair are looked at.

    Args:
        tiles: training tiles.
        labelled: the same with their label files, those that have one.
        config: with `multimodal`.
        root: of the data set; SAR tiles of its splits `val` and `test` are those alone.

    Raises:
        InputError: a tile has no optical image, or one of another size or place than the SAR image; no tile has labels.
    """
    pairs = [replace(known, image=tile.image("optical+sar")) for tile, known in zip(tiles, labelled, strict=True)]
    found = TrainingPairs(
        [pair for pair in pairs if pair.labels is not None],
        [pair for pair in pairs if pair.labels is None],
        _sar_only(root) if config.multimodal.data.sar_only_share else (),
    )
    if not found.labelled:
        raise InputError(
            "SAR_TRAINING=multimodal: expected at least one labelled training tile, found none; set LABELS, or "
            "MANUAL_LABELS and LABELLED_TILES"
        )
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda image: check_same_grid(image["optical"], image["sar"], "bilinear"), found.images()))
    return found


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


def _sar_only(root: Path) -> list[TrainingTile]:
    splits = [split for split in SAR_ONLY if (root / split).is_dir()]
    return [TrainingTile(tile.sar) for split in splits for tile in dfc2025_tiles(root, split)]


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
