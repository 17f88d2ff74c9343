"""Model files of configs with random weights, which cost as much as trained ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from mmseg.registry import MODELS
from torch import nn

from landcover.training.config import load_config
from landcover.training.export import export_model
from tools.benchmarks.predict import SPREAD
from tools.memory.blank_training import blank_training


def write_random_model(config: Path, path: Path, window: int, options: Sequence[str] = ()) -> Path:
    """Writes the model file of a stage 2 config; its classes have unlike probabilities.

    Args:
        config: of the network.
        path: file to write.
        window: its window, pixels.
        options: further `key.key=value` on top of the config.
    """
    with tempfile.TemporaryDirectory() as folder:
        training = blank_training(load_config(config, [*options, f"crop_size={window}"], stage=2), Path(folder))
    torch.manual_seed(0)
    model = MODELS.build(training.trained)
    nn.init.normal_(model.decode_head.conv_seg.weight, std=SPREAD)
    export_model(training, model, path)
    return path
