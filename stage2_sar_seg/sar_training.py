"""What a stage 2 config becomes for one set of training tiles."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mmengine import Config, ConfigDict
from mmseg.registry import MODELS, TRANSFORMS
from torch import nn

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.class_statistics import class_counts
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.errors import InputError
from landcover.images.modality import parts_of
from landcover.losses.class_balance import class_balanced_weights
from landcover.losses.pixelwise import PixelwiseLoss
from landcover.run_files.manifest import digest, digest_all
from landcover.sar.training_values import TrainingValues
from landcover.training.averaged_network import AverageHook, averaged
from landcover.training.band_statistics import BandStatistics
from landcover.training.config import pretrained_input
from landcover.training.sar_bands import SarBands
from landcover.training.starting_point import StartHook
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles
from landcover.transforms.random_gain import RandomGain
from landcover.transforms.speckle_noise import SpeckleNoise

TRAINED_MODALITIES = ("sar", "optical+sar")

TRANSFORMS_OF_INTENSITY = (SpeckleNoise, RandomGain)
"""Augmentations that must know the unit of the images."""


def sar_config(config: Config, statistics: BandStatistics, class_weight: Sequence[float] | None = None) -> Config:
    """A copy of `config` for images of these statistics: nothing is left for the prediction to choose.

    The network normalises with the statistics and has the bands of `SarBands`, its heads have `config.losses`,
    auxiliary ones times their factor, the loss weight that their own config gives. Augmentations of intensities get
    the unit. A network that reads optical images too keeps its own preprocessor for them; its backbone gets a mapping
    to maps, and as `in_channels` a mapping to bands.

    Args:
        config: of stage 2, see `landcover.training.config`.
        statistics: of the training images.
        class_weight: for the losses of pixels, one per class; None for `class_balance = None`.

    Raises:
        InputError: an unknown modality, or bands that are none.
    """
    if config.modality not in TRAINED_MODALITIES:
        raise InputError(
            f"modality: expected {' or '.join(TRAINED_MODALITIES)}, found {config.modality!r}; correct the config"
        )
    changed = copy.deepcopy(config)
    model, sar, bands = changed.model, config.sar, SarBands.of(config.sar).count
    changed.sar.unit = statistics.unit
    preprocessor = ConfigDict(
        type="SarPreprocessor",
        mean=list(statistics.means),
        std=list(statistics.stds),
        unit=statistics.unit,
        bands=bands,
        stretch=statistics.stretch,
        despeckle=sar.despeckle,
        seg_pad_val=model.data_preprocessor.seg_pad_val,
        size_divisor=model.data_preprocessor.size_divisor,
    )
    if config.modality == "sar":
        model.data_preprocessor, model.backbone.in_channels = preprocessor, bands
    else:
        parts = {"optical": model.data_preprocessor, "sar": preprocessor}
        model.data_preprocessor = ConfigDict(type="MultimodalPreprocessor", preprocessors=parts)
        model.backbone.in_channels = {"optical": 3, "sar": bands}
    losses = [_weighted(loss, class_weight) for loss in config.losses]
    set_losses(model, losses)
    for listed in changed.train_dataloader.dataset.augmentations:
        augmentation = listed.transform if listed["type"] == "OnModality" else listed
        if TRANSFORMS.get(augmentation["type"]) in TRANSFORMS_OF_INTENSITY:
            augmentation["unit"] = statistics.unit
    return changed


def set_losses(model: ConfigDict, losses: Sequence[Mapping[str, Any]]) -> None:
    """Gives all heads of a network's config these losses, auxiliary ones times the loss weight that they have."""
    model.decode_head.loss_decode = [dict(loss) for loss in losses]
    if model.get("auxiliary_head"):
        factor = model.auxiliary_head.loss_decode[0].loss_weight
        model.auxiliary_head.loss_decode = [
            {**loss, "loss_weight": loss.get("loss_weight", 1.0) * factor} for loss in losses
        ]


def _weighted(loss: dict[str, Any], class_weight: Sequence[float] | None) -> dict[str, Any]:
    kind = MODELS.get(loss["type"])
    if class_weight is None or kind is None or not issubclass(kind, PixelwiseLoss):
        return dict(loss)
    return {**loss, "class_weight": list(class_weight)}


def class_weights(
    config: Config, labelled: Sequence[TrainingTile], scheme: ClassScheme = OPEN_EARTH_MAP
) -> list[float] | None:
    """Weights for `config.class_balance` from the label files of training tiles; None without."""
    if config.class_balance is None:
        return None
    counts = class_counts([tile.labels for tile in labelled if tile.labels is not None], scheme=scheme)
    return class_balanced_weights(counts.sum(axis=0), config.class_balance)


def sar_training(
    name: str,
    config: Config,
    network: ConfigDict,
    labelled: Sequence[TrainingTile],
    validation: ValidationTiles | None,
    folder: Path,
    seed: int,
    values: TrainingValues | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    start: Path | None = None,
    manual: Sequence[Path] = (),
) -> Training:
    """What `train_model` needs to train one SAR model.

    Args:
        name: the model's name.
        config: the result of `sar_config`.
        network: `config.model` with its pretrained weights.
        labelled: tiles of the config's modality with label files.
        validation: tiles to score on, if labels exist.
        folder: the model's folder.
        seed: of everything random.
        values: of the training images, for the model file.
        scheme: classes of the labels.
        start: model file from whose weights it starts.
        manual: those of the label files that are manual, which the manifest tells.
    """
    decay = config.weight_ema
    return Training(
        name=name,
        stage="sar_model",
        modality=config.modality,
        config=config,
        trained=network if decay is None else {"type": "AveragedNetwork", "network": network, "decay": decay},
        exported=_itself if decay is None else averaged,
        dataset=TrainingTiles(
            labelled,
            config.modality,
            config.crop_size,
            seed=seed,
            bands=SarBands.of(config.sar).read,
            scheme=scheme,
            **config.train_dataloader.dataset,
        ),
        validation=validation,
        inputs=lambda: {
            "images": digest_all([path for tile in labelled for path in parts_of(tile.image)]),
            "labels": digest_all([tile.labels for tile in labelled if tile.labels]),
            **({"manual_labels": digest_all(manual)} if manual else {}),
            **pretrained_input(network),
            **({} if start is None else {"start": digest(start)}),
        },
        folder=folder,
        seed=seed,
        hooks=[
            *([] if decay is None else [AverageHook()]),
            *([] if start is None else [StartHook(start)]),
        ],
        values=values,
        scheme=scheme,
    )


def _itself(model: nn.Module) -> nn.Module:
    return model
