"""The folder of a finished training, as `train_model` leaves it, with a model of two tensors."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.model_cards.origins import Origins
from landcover.networks.model_file import ModelInfo, save_model
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import OutputFolder
from landcover.sar.training_values import TrainingValues

SAR = {"type": "SarPreprocessor", "mean": [42.0], "std": [32.5], "unit": "amplitude", "stretch": None}
SCORES = {
    "miou": 0.5,
    "iou": {"bareland": 0.25, "water": None},
    "labels": "val labels",
    "pixels": 1234567,
    "chosen": {"rule": "validation_miou", "iteration": 40, "validation_miou": 0.5},
}


@pytest.fixture
def trained(tmp_path: Path) -> Callable[..., Path]:
    """Makes the folder of a training of `run/sar_models`, or of another stage."""

    def make(
        name: str = "tiny",
        about: Origins | None = None,
        stage: str = "sar_model",
        modality: Any = "sar",
        metrics: dict[str, Any] | None = SCORES,
        preprocessor: dict[str, Any] = SAR,
        scheme: ClassScheme = OPEN_EARTH_MAP,
        pretrained: str | None = "efficientnet_lite1",
    ) -> Path:
        group = {"teacher": "teachers", "matcher": "matchers"}.get(stage, "sar_models")
        folder = tmp_path / "run" / group / name
        sar = None if modality == "optical" else TrainingValues((), "uint8", ((2.0, 34.0, 161.0),))
        info = ModelInfo(name, modality, scheme, 128, sar)
        output = OutputFolder(
            folder,
            {"stage": stage, "model": name, "iterations": 60, "seed": 7, "processes": 1},
            {"labels": "1" * 64},
        )
        output.begin()
        network = {"type": "EncoderDecoder", "data_preprocessor": preprocessor}
        save_model(folder / "model.pth", info, network, {"weight": torch.ones(2), "count": torch.tensor(3)})
        (folder / "config.py").write_text(f"pretrained = {pretrained!r}\n")
        lines = [{"iteration": 40, "lr": 0.1, "loss": 9.0}, {"iteration": 40, "test_rmse": 1.25}]
        (folder / "log.jsonl").write_text("".join(f"{line}\n".replace("'", '"') for line in lines))
        if metrics is not None:
            write_json(folder / "metrics.json", metrics)
        files = [path for path in folder.iterdir() if path.name not in ("unfinished.json", ".lock")]
        output.finish(files, about.record() if about else None)
        return folder

    return make
