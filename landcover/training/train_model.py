"""One training from config to model file: claimed folder, resume, export, final score."""

from __future__ import annotations

import json
import shutil
from typing import Any

from mmengine.runner import Runner

from landcover.atomic import write_json, write_text
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.manifest import OutputFolder, digest_text
from landcover.model_file import MODEL_NAME, ModelInfo, load_model, save_model
from landcover.processes import Processes
from landcover.training.runner import build_runner
from landcover.training.training import Training
from landcover.training.validation_hook import validate
from landcover.training_log import LOG_NAME

METRICS_NAME = "metrics.json"


def train_model(training: Training, processes: Processes) -> bool:
    """Trains, or goes on training, until `model.pth` and its manifest exist.

    Returns:
        False if the same training was complete before.

    Raises:
        InputError: the folder holds another training, the config does not build, the loss is no longer finite.
    """
    text = training.config.pretty_text
    output = OutputFolder(
        training.folder,
        made_by={
            "stage": training.stage,
            "model": training.name,
            "config": digest_text(text),
            "iterations": training.config.iterations,
            "seed": training.seed,
            "processes": processes.world,
        },
        inputs=training.inputs,
    )
    complete = output.begin() if processes.first else False
    processes.barrier()
    if processes.any(complete):
        return False
    if processes.first:
        write_text(training.folder / "config.py", text)
    try:
        runner = build_runner(training, processes)
        runner.train()
    except InputError:
        if processes.first and not training.checkpoint_pointer.exists():
            output.release()  # corrected data or a corrected config are other inputs
        raise
    if processes.first:
        _export(training, runner)
    processes.barrier()
    _score(training, processes)
    if processes.first:
        files = [training.folder / name for name in (MODEL_NAME, LOG_NAME, METRICS_NAME, "config.py")]
        output.finish(path for path in files if path.exists())
        shutil.rmtree(training.work_dir, ignore_errors=True)
    processes.barrier()
    return True


def _export(training: Training, runner: Runner) -> None:
    network = training.exported(getattr(runner.model, "module", runner.model))
    info = ModelInfo(training.name, training.modality, OPEN_EARTH_MAP.name, training.config.crop_size)
    config = json.loads(json.dumps(_without_initialisation(training.config.model.to_dict())))
    save_model(training.folder / MODEL_NAME, info, config, network.state_dict())


def _without_initialisation(node: Any) -> Any:  # any node of a config tree
    """The config without the keys that name pretrained weights: a model file carries its own."""
    if isinstance(node, dict):
        return {
            key: _without_initialisation(value) for key, value in node.items() if key not in ("init_cfg", "pretrained")
        }
    return [_without_initialisation(value) for value in node] if isinstance(node, (list, tuple)) else node


def _score(training: Training, processes: Processes) -> None:
    if training.validation is None:
        return
    model, info = load_model(training.folder / MODEL_NAME, processes.device)
    matrix = validate(model, training.validation, training.modality, info.window, processes)
    if processes.first:
        write_json(training.folder / METRICS_NAME, matrix.summary(training.validation.labels))
