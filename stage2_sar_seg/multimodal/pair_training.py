"""What a stage 2 config becomes when an optical branch trains beside the SAR model."""

from __future__ import annotations

import argparse
import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
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
from landcover.networks.branch_mean import BranchMean
from landcover.run_files.manifest import digest, digest_all
from landcover.training.averaged_network import AverageHook
from landcover.training.config import load_config, network_to_train, pretrained_input
from landcover.training.starting_point import StartHook, starting_point
from landcover.training.training import FurtherExport, Training
from stage2_sar_seg.multimodal.multimodal_training import MultimodalTraining, ProgressHook
from stage2_sar_seg.multimodal.pair_tiles import TrainingPairs, pair_tiles
from stage2_sar_seg.sar_training import set_losses


@dataclass(frozen=True)
class OpticalBranch:
    """The optical network of a multimodal training.

    Args:
        model: its config, with the losses of the SAR model.
        network: the same with its pretrained weights.
        start: model file from whose weights it starts.
    """

    model: ConfigDict
    network: ConfigDict
    start: Path | None = None


def optical_branch(
    config: Config, changed: Config, arguments: argparse.Namespace, scheme: ClassScheme = OPEN_EARTH_MAP
) -> OpticalBranch:
    """The optical network of a training, with its pretrained weights.

    Args:
        config: of the SAR model, with `multimodal`.
        changed: what `sar_config` has made of it.
        arguments: of the command: pretrained weights, and model files of which the first that fits is the start.
        scheme: the classes.

    Raises:
        InputError: as `optical_config`; a file of weights or a model file is none.
    """
    optical = optical_config(config, changed, scheme)
    start = starting_point("optical branch", optical.model, arguments.start_from)
    weights = None if start else arguments.pretrained_dir
    return OpticalBranch(optical.model, network_to_train(optical, weights, arguments.fetch_pretrained), start)


def optical_config(config: Config, changed: Config, scheme: ClassScheme = OPEN_EARTH_MAP) -> Config:
    """The config that `multimodal.optical` names, or that of the SAR model, with three bands and that model's losses.

    Nothing of it but the network and its pretrained weights is used.

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


def beside_optical(
    alone: Training, network: ConfigDict, start: Path | None, optical: OpticalBranch, pairs: TrainingPairs
) -> Training:
    """The training of a SAR model beside an optical branch.

    Its model file is that of the SAR branch; the optical branch, and both as one predictor, get files beside it.

    Args:
        alone: the training of the SAR model by itself, see `sar_training`, whose config has `multimodal`.
        network: of the SAR model, with its pretrained weights.
        start: model file from whose weights it starts.
        optical: the other branch.
        pairs: the tiles.
    """
    config = copy.deepcopy(alone.config)
    config.multimodal.optical = optical.model
    branches = {"optical": optical.model.to_dict(), "sar": config.model.to_dict()}
    starts = {name: path for name, path in (("optical", optical.start), ("sar", start)) if path is not None}
    settings = {key: value for key, value in config.multimodal.items() if key not in ("optical", "data")}
    return replace(
        alone,
        config=config,
        trained={
            "type": "MultimodalTraining",
            "optical": optical.network,
            "sar": network,
            "shares": _class_shares(pairs.labelled, alone.scheme),
            "weight_ema": config.weight_ema,
            **settings,
        },
        exported=sar_branch,
        dataset=pair_tiles(config, pairs, alone.seed, alone.scheme),
        inputs=lambda: {**alone.inputs(), **_further_inputs(optical, pairs)},
        hooks=[
            ProgressHook(),
            *([] if config.weight_ema is None else [AverageHook()]),
            *(StartHook(path, _starting(name)) for name, path in starts.items()),
        ],
        further_exports=[
            FurtherExport("optical", "optical", branches["optical"], optical_of),
            FurtherExport("fused", "optical+sar", {"type": "BranchMean", **branches}, fused, alone.values),
        ],
    )


def fused(model: nn.Module) -> BranchMean:
    """Both branches of a `MultimodalTraining` as one predictor."""
    assert isinstance(model, MultimodalTraining)
    return model.exported


def sar_branch(model: nn.Module) -> nn.Module:
    """The SAR branch of a `MultimodalTraining`: the model of the stage."""
    return fused(model).sar


def optical_of(model: nn.Module) -> nn.Module:
    """The optical branch of a `MultimodalTraining`."""
    return fused(model).optical


def _further_inputs(optical: OpticalBranch, pairs: TrainingPairs) -> dict[str, str]:
    """Digests of what the SAR model does not read when it trains by itself."""
    pretrained = pretrained_input(optical.network)
    return {
        "optical_images": digest_all([image["optical"] for image in pairs.images()]),
        "unlabelled": digest_all([path for tile in pairs.without_labels() for path in parts_of(tile.image)]),
        **{f"optical_{name}": value for name, value in pretrained.items()},
        **({} if optical.start is None else {"optical_start": digest(optical.start)}),
    }


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
