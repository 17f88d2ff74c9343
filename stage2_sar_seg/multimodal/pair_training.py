"""What a stage 2 config becomes when an optical branch trains beside the SAR model."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from mmengine import Config, ConfigDict
from torch import nn

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.class_statistics import class_counts
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.modality import parts_of
from landcover.run_files.manifest import digest, digest_all
from landcover.sar.training_values import TrainingValues
from landcover.training.averaged_network import AverageHook
from landcover.training.config import load_config, pretrained_input
from landcover.training.starting_point import StartHook
from landcover.training.training import FurtherExport, Training
from landcover.training.validation_hook import ValidationTiles
from stage2_sar_seg.multimodal.multimodal_training import MultimodalTraining, ProgressHook
from stage2_sar_seg.multimodal.pair_tiles import TrainingPairs, pair_tiles
from stage2_sar_seg.sar_training import set_losses


def optical_config(config: Config, changed: Config, scheme: ClassScheme = OPEN_EARTH_MAP) -> Config:
    """Config of the optical branch: that of `multimodal.optical`, or `config` for three bands.

    Its heads get the losses of the SAR model; of another config nothing but the network and its pretrained weights is
    used.

    Args:
        config: of the SAR model, with `multimodal`.
        changed: what `sar_config` has made of it.
        scheme: the classes.

    Raises:
        InputError: the SAR model reads both images by itself, or the other config is none or of other classes.
    """
    if config.modality != "sar":
        raise InputError(
            f"SAR_TRAINING=multimodal: expected SAR models of modality sar, found one of {config.modality}; train that "
            "one with SAR_TRAINING=sar"
        )
    path = config.multimodal.optical
    optical = copy.deepcopy(config) if path is None else load_config(Path(path), scheme=scheme)
    optical.model.backbone.in_channels = 3
    set_losses(optical.model, changed.model.decode_head.loss_decode)
    return optical


def pair_training(
    name: str,
    config: Config,
    networks: Mapping[str, ConfigDict],
    optical: Config,
    pairs: TrainingPairs,
    validation: ValidationTiles | None,
    folder: Path,
    seed: int,
    values: TrainingValues | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    starts: Mapping[str, Path | None] | None = None,
    manual: Sequence[Path] = (),
) -> Training:
    """What `train_model` needs to train one SAR model beside an optical branch.

    Args:
        name: the model's name.
        config: the result of `sar_config`, with `multimodal`.
        networks: `optical` and `sar`, each with its pretrained weights.
        optical: the result of `optical_config`.
        pairs: the tiles.
        validation: tiles to score the SAR branch on, if labels exist.
        folder: the model's folder.
        seed: of everything random.
        values: of the SAR images, for the model files.
        scheme: classes of the labels.
        starts: model files from whose weights the branches start, by modality.
        manual: those of the label files that are manual, which the manifest tells.
    """
    config = copy.deepcopy(config)
    config.multimodal.optical = optical.model
    settings = {key: value for key, value in config.multimodal.items() if key not in ("optical", "data")}
    started = {key: path for key, path in (starts or {}).items() if path is not None}
    branches = {"optical": optical.model.to_dict(), "sar": config.model.to_dict()}
    tiles = (*pairs.labelled, *pairs.unlabelled, *pairs.sar_only)
    return Training(
        name=name,
        stage="sar_model",
        modality="sar",
        config=config,
        trained={
            "type": "MultimodalTraining",
            **networks,
            "shares": _class_shares(pairs.labelled, scheme),
            "weight_ema": config.weight_ema,
            **settings,
        },
        exported=sar_branch,
        dataset=pair_tiles(config, pairs, seed, scheme),
        validation=validation,
        inputs=lambda: {
            "images": digest_all([path for tile in tiles for path in parts_of(tile.image)]),
            "labels": digest_all([tile.labels for tile in pairs.labelled if tile.labels]),
            **({"manual_labels": digest_all(manual)} if manual else {}),
            **{f"{key} {name}": value for name in networks for key, value in pretrained_input(networks[name]).items()},
            **{f"start {name}": digest(path) for name, path in started.items()},
        },
        folder=folder,
        seed=seed,
        hooks=[
            ProgressHook(),
            *([] if config.weight_ema is None else [AverageHook()]),
            *(StartHook(path, _starting(key)) for key, path in started.items()),
        ],
        values=values,
        scheme=scheme,
        further_exports=[
            FurtherExport("optical", "optical", branches["optical"], lambda model: _exported(model).optical),
            FurtherExport("fused", "optical+sar", {"type": "BranchMean", **branches}, _exported, values),
        ],
    )


def sar_branch(model: nn.Module) -> nn.Module:
    """The SAR branch of a `MultimodalTraining`: the model of the stage."""
    return _exported(model).sar


def _exported(model: nn.Module) -> Any:  # the branches
    assert isinstance(model, MultimodalTraining)
    return model.exported


def _starting(name: str) -> Any:
    """What gives the branch of one modality, and its average, of a `MultimodalTraining`."""
    return lambda model: [part.branch(name) for part in (model.branches, model.average) if part is not None]


def _class_shares(labelled: Sequence[TrainingTile], scheme: ClassScheme) -> list[float]:
    """Shares of the classes in all labelled pixels."""
    counts = class_counts([tile.labels for tile in labelled if tile.labels is not None], scheme=scheme).sum(axis=0)
    if not counts.sum():
        raise InputError(
            f"{labelled[0].labels}: expected labelled pixels in {len(labelled)} label files, found none; every pixel "
            "of them is unknown"
        )
    return [float(share) for share in counts / np.float64(counts.sum())]
