"""One training from config to model file: claimed folder, resume, export, final score."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from mmengine import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmengine.runner.checkpoint import get_torch_safe_globals
from torch import nn
from torch.utils.data import Dataset

from landcover.atomic import write_json, write_text
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.manifest import OutputFolder, digest_text
from landcover.model_file import ModelInfo, load_model, save_model
from landcover.processes import Processes
from landcover.training.random_state_hook import RandomStateHook
from landcover.training.training_log_hook import TrainingLogHook
from landcover.training.validation_hook import ValidationHook, ValidationTiles, validate
from landcover.training_log import LOG_NAME

MODEL_NAME = "model.pth"
METRICS_NAME = "metrics.json"
MAX_WORKERS = 8
LOG_LINES = 100
"""Lines in the log of one training."""


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
        runner = _build_runner(training, processes)
        runner.train()
    except InputError:
        if processes.first and not _pointer(training).exists():
            output.release()  # corrected data or a corrected config are other inputs
        raise
    if processes.first:
        _export(training, runner)
    processes.barrier()
    _score(training, processes)
    if processes.first:
        files = [training.folder / name for name in (MODEL_NAME, LOG_NAME, METRICS_NAME, "config.py")]
        output.finish(path for path in files if path.exists())
        shutil.rmtree(_work_dir(training), ignore_errors=True)
    processes.barrier()
    return True


def _build_runner(training: Training, processes: Processes) -> Runner:
    config, iterations = training.config, training.config.iterations
    checkpoint = _last_checkpoint(_pointer(training))
    log = training.folder / LOG_NAME
    hooks: list[Hook] = [
        *training.hooks,
        RandomStateHook(),
        TrainingLogHook(log, training.name, max(1, iterations // LOG_LINES)),
    ]
    if training.validation is not None:
        hooks.append(
            ValidationHook(
                log,
                training.exported,
                training.validation,
                training.modality,
                config.crop_size,
                config.validation_interval,
                processes,
            )
        )
    loader = dict(config.train_dataloader)
    workers = loader.setdefault("num_workers", _workers(processes))
    loader.update(
        dataset=training.dataset,
        sampler={"type": "OrdinalSampler"},
        batch_size=_batch_share(config, processes),
        persistent_workers=workers > 0,
    )
    try:
        runner = Runner(
            model=dict(training.trained),
            work_dir=str(_work_dir(training)),
            train_dataloader=loader,
            train_cfg={"type": "IterBasedTrainLoop", "max_iters": iterations, "val_interval": iterations + 1},
            optim_wrapper=config.optim_wrapper,
            param_scheduler=_schedule(config),
            default_hooks={
                "logger": None,
                "sampler_seed": None,
                "checkpoint": {
                    "type": "CheckpointHook",
                    "interval": config.checkpoint_interval,
                    "by_epoch": False,
                    "save_last": False,
                    # The one before stays until the new one is complete.
                    "max_keep_ckpts": 2,
                },
            },
            custom_hooks=hooks,
            load_from=checkpoint,
            resume=checkpoint is not None,
            launcher="pytorch" if processes.world > 1 else "none",
            env_cfg={"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
            log_level="ERROR",
            default_scope="mmseg",
            randomness={"seed": training.seed, "diff_rank_seed": True},
            # mmengine keeps one logger, visualizer and message hub per name in a process.
            experiment_name=f"{training.stage}_{training.name}_{os.getpid()}_{digest_text(str(training.folder))[:8]}",
            cfg=Config(_distribution(processes)),
        )
        # The Runner would build these only once it trains, outside of this `try`.
        assert runner.train_loop is not None, "it has a training loop"
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    except (KeyError, TypeError) as error:
        raise InputError(f"model {training.name}: the config does not build ({error}); correct it") from error
    return runner


def _work_dir(training: Training) -> Path:
    """What mmengine writes, checkpoints above all; removed when the model file is there."""
    return training.folder / "checkpoints"


def _batch_share(config: Config, processes: Processes) -> int:
    """This process's share of the config's batch, so that the recipe does not change with the number of GPUs."""
    share, rest = divmod(config.train_dataloader.batch_size, processes.world)
    if rest or not share:
        raise InputError(
            f"train_dataloader.batch_size: expected a multiple of the {processes.world} processes (GPUS), "
            f"found {config.train_dataloader.batch_size}; change either"
        )
    return share


def _workers(processes: Processes) -> int:
    """Loader processes of each training process: its share of the cores beside a GPU; a CPU trains alone."""
    if processes.device.type == "cpu":
        return 0
    return max(1, min(MAX_WORKERS, len(os.sched_getaffinity(0)) // processes.world - 1))


def _distribution(processes: Processes) -> dict[str, object]:
    """How the Runner spreads the model over processes; on GPUs, batch-norm statistics are those of the whole batch."""
    if processes.world == 1:
        return {}
    on_gpu = processes.device.type == "cuda"
    wrapper = {
        "type": "MMDistributedDataParallel",
        "device_ids": [processes.device.index] if on_gpu else None,
        "broadcast_buffers": False,
    }
    return {"model_wrapper_cfg": wrapper, "sync_bn": "torch" if on_gpu else None}


def _schedule(config: Config) -> list[dict[str, Any]]:
    """The schedule with the end filled in; a warm-up of more than a tenth of a shortened training becomes a tenth."""
    if config.iterations < 2:
        raise InputError(f"iterations: expected at least 2, found {config.iterations}; a schedule needs two ends")
    schedule = [dict(part) for part in config.param_scheduler]
    warm_up = min(schedule[0].get("end", 0), max(1, config.iterations // 10))
    if len(schedule) > 1:
        schedule[0]["end"] = schedule[1]["begin"] = warm_up
    schedule[-1]["end"] = config.iterations
    return schedule


def _pointer(training: Training) -> Path:
    """The file that names the newest checkpoint; mmengine writes it after that."""
    return _work_dir(training) / "last_checkpoint"


def _last_checkpoint(pointer: Path) -> str | None:
    """The newest complete checkpoint, if there is one."""
    if not pointer.exists():
        return None
    path = pointer.parent / Path(pointer.read_text(encoding="utf-8")).name
    try:
        with torch.serialization.safe_globals(get_torch_safe_globals()):  # of the log buffers that mmengine saves
            torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:
        raise InputError(
            f"{path}: expected a training checkpoint to continue from, found a damaged file ({type(error).__name__}); "
            f"delete {pointer} to start this training again"
        ) from error
    return str(path)


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
