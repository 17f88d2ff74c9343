"""The model file of a module in training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from landcover.networks.model_file import ModelInfo, save_model
from landcover.training.candidates import further_path
from landcover.training.training import Training


def export_model(training: Training, model: nn.Module, path: Path) -> None:
    """Writes what `training` exports of `model`, the module in training, to `path` and further files beside it.

    The one at `path` is written last: where it is, all are.
    """
    crop_size, scheme = training.config.crop_size, training.scheme
    for further in training.further_exports:
        info = ModelInfo(f"{training.name}_{further.name}", further.modality, scheme, crop_size, further.values)
        _save(further_path(path, further.name), info, further.network, further.exported(model))
    info = ModelInfo(training.name, training.modality, scheme, crop_size, training.values)
    _save(path, info, training.config.model.to_dict(), training.exported(model))


def _save(path: Path, info: ModelInfo, network: Any, exported: nn.Module) -> None:  # any config
    config = json.loads(json.dumps(_without_initialisation(network)))
    save_model(path, info, config, exported.state_dict())


def _without_initialisation(node: Any) -> Any:  # any node of a config tree
    """The config without the keys that name pretrained weights: a model file carries its own."""
    if isinstance(node, dict):
        return {
            key: _without_initialisation(value) for key, value in node.items() if key not in ("init_cfg", "pretrained")
        }
    return [_without_initialisation(value) for value in node] if isinstance(node, (list, tuple)) else node
