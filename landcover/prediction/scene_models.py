"""Models that map a scene together: networks, windows, weights, and whether they fit the scene."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landcover.classes import ClassScheme
from landcover.errors import InputError
from landcover.images.modality import Modality, names_of
from landcover.images.source import RasterSource
from landcover.networks.engines import Engine
from landcover.networks.model_file import ModelInfo
from landcover.prediction.blending import blending_weights
from landcover.prediction.image_check import ImageCheck
from landcover.prediction.model_files import load_any_model
from landcover.prediction.sliding_window import PredictionDtype, SlidingWindow
from landcover.prediction.views import Flip, make_views
from landcover.processes.group import Processes

Load = Callable[[Path, torch.device, Engine | None], tuple[nn.Module, ModelInfo]]

SAMPLE = 2048
"""Largest side of the sample of a scene that tells whether its values fit a model, pixels."""


@dataclass(frozen=True)
class SceneSettings:
    """How models look at a scene.

    Args:
        flips: flips in which every window is looked at; their probabilities are averaged.
        stride: step between windows as a share of the window, above 0, at most 1.
        dtype: in which the networks run.
        engine: what runs exported models; None for ONNX Runtime.
    """

    flips: tuple[Flip, ...] = ("none",)
    stride: float = 0.5
    dtype: PredictionDtype = "fp32"
    engine: Engine | None = None

    def __post_init__(self) -> None:
        if not 0 < self.stride <= 1:
            raise InputError(f"--stride: expected a share of the window in (0, 1], found {self.stride}; correct it")


@dataclass(frozen=True)
class SceneModel:
    """One of the models that map a scene.

    Args:
        network: in eval mode.
        modality: what it reads.
        window: how a window is looked at, alone.
        rows: weights of the windows along the rows, by their first row; see `blending_weights`.
        columns: likewise.
    """

    network: nn.Module
    modality: Modality
    window: SlidingWindow
    rows: Mapping[int, NDArray[np.float32]]
    columns: Mapping[int, NDArray[np.float32]]


def load_scene_models(
    paths: Sequence[Path],
    scene: RasterSource,
    settings: SceneSettings,
    processes: Processes,
    optical: bool = False,
    load: Load = load_any_model,
) -> tuple[list[SceneModel], ClassScheme]:
    """Loads model files for a scene; also returns the class scheme that they share.

    Args:
        paths: model files, of SAR models, or with `optical` also of models that read both images.
        scene: the SAR image, with the bands that the models read.
        settings: see `SceneSettings`.
        processes: on whose devices the networks go; the first one warns of a scene that is unlike the training.
        optical: whether there is an optical image beside the scene.
        load: gives the network of a model file, and its `ModelInfo`.

    Raises:
        InputError: no SAR model, another class scheme, or a model that can not be used on this scene.
    """
    models: list[SceneModel] = []
    schemes: dict[ClassScheme, Path] = {}
    sample, check = scene.sample(SAMPLE), ImageCheck(processes)
    for path in paths:
        network, info = load(path, processes.device, settings.engine)
        if "sar" not in names_of(info.modality):
            raise InputError(f"{path}: expected a SAR model, found one for {info.modality} images; pass another")
        if info.modality != "sar" and not optical:
            raise InputError(
                f"{path}: expected the optical image of the scene for a model of {info.modality}, found none; "
                "pass --optical"
            )
        # Of regions of zeros a sample does not tell enough.
        check.check({"sar": sample.pixels}, sample.empty(), {"sar": scene.path}, network, info)
        schemes[info.scheme] = path
        stride = max(1, round(info.window * settings.stride))
        sizes = scene.grid.height, scene.grid.width
        rows, columns = (blending_weights(length, info.window, stride) for length in sizes)
        window = SlidingWindow(info.window, info.window, make_views([1.0], settings.flips), dtype=settings.dtype)
        models.append(SceneModel(network, info.modality, window, rows, columns))
    if len(schemes) != 1:
        named = ", ".join(f"{scheme.name} of {path}" for scheme, path in schemes.items()) or "none"
        raise InputError(f"--models: expected one class scheme, found {named}; pass models that belong together")
    return models, next(iter(schemes))
