"""Networks small enough to be checked window by window and to be run in a test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest
import torch
from tiny_networks import tiny_segformer
from torch import Tensor, nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.networks.model_file import ModelInfo, save_model
from landcover.sar.training_values import TrainingValues


class StridedNetwork(nn.Module):
    """Logits at a quarter of the resolution that depend on a pixel's neighbourhood, in float64."""

    def __init__(self, bands: int, classes: int, constant: bool) -> None:
        super().__init__()
        self.data_preprocessor = nn.Module()
        self.data_preprocessor.register_buffer("mean", torch.linspace(90, 130, bands).reshape(-1, 1, 1))
        self.data_preprocessor.register_buffer("std", torch.linspace(40, 60, bands).reshape(-1, 1, 1))
        self.near = nn.Conv2d(bands, 6, 7, stride=4, padding=3)
        self.far = nn.Conv2d(6, classes, 5, padding=2)
        generator = torch.Generator().manual_seed(bands)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=0.3, generator=generator)
        if constant:
            nn.init.zeros_(self.far.weight)
        self.double().eval()

    def forward(self, images: Tensor, mode: str) -> Tensor:
        assert mode == "tensor"
        assert images.shape[-1] % 32 == images.shape[-2] % 32 == 0
        return self.far(self.near(images).tanh())


@pytest.fixture
def strided_network() -> Callable[..., StridedNetwork]:
    def build(bands: int = 3, classes: int = 5, constant: bool = False) -> StridedNetwork:
        return StridedNetwork(bands, classes, constant)

    return build


@pytest.fixture
def write_model(registered: None) -> Callable[..., Path]:
    """Writes the model file of a SegFormer with random weights that differ with the seed."""
    from mmseg.registry import MODELS

    def write(
        path: Path,
        modality: Literal["optical", "sar"] = "sar",
        seed: int = 0,
        window: int = 32,
        preprocessor: dict[str, Any] | None = None,
        values: TrainingValues | None = None,
    ) -> Path:
        bands = {"optical": 3, "sar": 1}[modality]
        statistics = {"mean": [100.0] * bands, "std": [50.0] * bands}
        network = tiny_segformer({**statistics, **(preprocessor or {})}, bands)
        torch.manual_seed(seed)
        model = MODELS.build(network)
        model.init_weights()
        nn.init.normal_(model.decode_head.conv_seg.weight, std=2.0)
        info = ModelInfo(path.parent.name, modality, OPEN_EARTH_MAP, window, values)
        save_model(path, info, network, model.state_dict())
        return path

    return write
