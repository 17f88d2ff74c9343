"""A tiny SAR training: a SegFormer with dropout on crops of 32 pixels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.hooks import Hook
from tiny_networks import ONE_HEAD_OPTIONS
from torch import Tensor

from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.training_tiles import TrainingTile, TrainingTiles
from landcover.processes.group import Processes
from landcover.training.config import load_config
from landcover.training.training import Training
from landcover.training.validation_hook import ValidationTiles

CONFIG = Path(__file__).parents[3] / "configs" / "demo" / "sar_segformer.py"

TINY = (
    "crop_size=32",
    "train_dataloader.batch_size=2",
    *ONE_HEAD_OPTIONS,
    "model.backbone.in_channels=1",
    "model.decode_head.dropout_ratio=0.2",
    "model.data_preprocessor.mean=[60.0]",
    "model.data_preprocessor.std=[40.0]",
    "checkpoint_interval=2",
    "validation_interval=100",
)


@pytest.fixture
def one_process() -> Processes:
    return Processes(0, 1, torch.device("cpu"))


@pytest.fixture
def graphs(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Compiles without a compiler; collects what was compiled."""
    compiled: list[object] = []

    def backend(graph: torch.fx.GraphModule, inputs: list[Tensor]) -> Callable[..., Any]:
        compiled.append(graph)
        return graph.forward

    monkeypatch.setattr("landcover.training.compiled.torch.compile", partial(torch.compile, backend=backend))
    monkeypatch.setattr("landcover.training.compiled.check_compiler", lambda device: None)
    return compiled


@pytest.fixture
def make_training(registered: None, demo_root: Path) -> Callable[..., Training]:
    def make(
        folder: Path,
        *options: str,
        iterations: int = 6,
        seed: int = 0,
        hooks: Sequence[Hook] = (),
        scored: bool = False,
    ) -> Training:
        config = load_config(CONFIG, [*TINY, f"iterations={iterations}", *options])
        tiles = [TrainingTile(tile.sar, tile.labels) for tile in dfc2025_tiles(demo_root / "DFC2025Track1", "train")]
        return Training(
            name="tiny",
            stage="test",
            modality="sar",
            config=config,
            trained=config.model,
            exported=lambda model: model,
            dataset=TrainingTiles(tiles, "sar", 32, seed=seed, **config.train_dataloader.dataset),
            validation=ValidationTiles(tiles[:1], "published labels") if scored else None,
            inputs=lambda: {"images": "0"},
            folder=folder,
            seed=seed,
            hooks=hooks,
        )

    return make
