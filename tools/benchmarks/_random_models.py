"""Model files of configs with random weights, which cost as much as trained ones."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch
from mmseg.registry import MODELS
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from landcover.sar.preprocessor import SarPreprocessor
from landcover.training.config import load_config
from landcover.training.export import export_model
from tools.benchmarks.predict import SPREAD
from tools.memory.blank_training import blank_training

LARGEST_NOISE = 128
"""Largest side of the noise from which batch norms take their statistics, pixels."""


def write_random_model(config: Path, path: Path, window: int, options: Sequence[str] = ()) -> Path:
    """Writes the model file of a stage 2 config that reads SAR; its classes have unlike probabilities.

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
    _set_statistics(model, min(window, LARGEST_NOISE))
    export_model(training, model, path)
    return path


@torch.no_grad()
def _set_statistics(model: nn.Module, side: int) -> None:
    """Gives batch norms the statistics of noise: without any, activations grow with depth as in no trained network."""
    for module in model.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = None  # the mean of all batches: of one, that batch's
    preprocessor = model.get_submodule("data_preprocessor")
    assert isinstance(preprocessor, SarPreprocessor), "a model of SAR images alone"
    noise = torch.randn((2, 1, side, side), generator=torch.Generator().manual_seed(1))
    model.train()(noise.expand(-1, preprocessor.bands, -1, -1), mode="tensor")
