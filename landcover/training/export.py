"""The model file of a module in training."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from landcover.networks.model_file import ModelInfo, save_model
from landcover.training.training import Training


def export_model(training: Training, model: nn.Module, path: Path) -> None:
    """Writes what `training` exports of `model`, the module in training, to `path`."""
    crop_size, values = training.config.crop_size, training.values
    info = ModelInfo(training.name, training.modality, training.scheme, crop_size, values)
    config = json.loads(json.dumps(_without_initialisation(training.config.model.to_dict())))
    save_model(path, info, config, training.exported(model).state_dict())


def _without_initialisation(node: Any) -> Any:  # any node of a config tree
    """The config without the keys that name pretrained weights: a model file carries its own."""
    if isinstance(node, dict):
        return {
            key: _without_initialisation(value) for key, value in node.items() if key not in ("init_cfg", "pretrained")
        }
    return [_without_initialisation(value) for value in node] if isinstance(node, (list, tuple)) else node
