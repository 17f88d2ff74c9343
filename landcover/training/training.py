"""What a training is: model, data, place, seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from mmengine import Config
from mmengine.hooks import Hook
from torch import nn
from torch.utils.data import Dataset

from landcover.training.validation_hook import ValidationTiles


@dataclass(frozen=True)
class Training:
    """What to train and where.

    Args:
        name: name of the model, as in the profile.
        stage: name of the stage, for the manifest.
        modality: which images the model reads.
        config: see `landcover.training.config`; `config.model` is the exported network.
        trained: config of the module in training, `config.model` itself unless something surrounds it.
        exported: gives the network to export from the module in training.
        dataset: yields samples by ordinal.
        validation: tiles for scores during and after training.
        inputs: digests of the training data.
        folder: receives checkpoints, log, `model.pth`, `metrics.json` and the manifest.
        seed: of initialisation, order, augmentation.
        hooks: further mmengine hooks.
    """

    name: str
    stage: str
    modality: Literal["optical", "sar"]
    config: Config
    trained: Mapping[str, Any]
    exported: Callable[[nn.Module], nn.Module]
    dataset: Dataset[Any]
    validation: ValidationTiles | None
    inputs: Mapping[str, str]
    folder: Path
    seed: int
    hooks: Sequence[Hook] = ()

    @property
    def work_dir(self) -> Path:
        """What mmengine writes, checkpoints above all; removed when the model file is there."""
        return self.folder / "checkpoints"

    @property
    def checkpoint_pointer(self) -> Path:
        """The file that names the newest checkpoint; mmengine writes it after that."""
        return self.work_dir / "last_checkpoint"
