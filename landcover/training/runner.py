"""mmengine's Runner, set up for one training."""

from __future__ import annotations

import os
import warnings
from functools import partial
from typing import Any

from mmengine import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner
from timm.layers import convert_sync_batchnorm
from torch import nn

from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.run_files.manifest import digest_text
from landcover.run_files.training_log import LOG_NAME
from landcover.training.checkpoints import WHOLE_FILES, checkpoint_to_resume
from landcover.training.compiled import compile_networks
from landcover.training.config import building
from landcover.training.export import export_model
from landcover.training.loader_workers import loader_workers
from landcover.training.random_state_hook import RandomStateHook
from landcover.training.tracking.trackers import NO_TRACKER
from landcover.training.tracking.tracking_hook import TrackingHook
from landcover.training.training import Training
from landcover.training.training_log_hook import TrainingLogHook
from landcover.training.validation_hook import ValidationHook

LOG_LINES = 100
"""Lines in the log of one training."""


def build_runner(training: Training, processes: Processes) -> Runner:
    """mmengine's Runner for a training, set to continue from its newest checkpoint if there is one.

    Raises:
        InputError: the config does not build, the batch can not be shared out, all checkpoints are damaged, or there is
            no compiler for `compile`.
    """
    config, iterations = training.config, training.config.iterations
    checkpoint = checkpoint_to_resume(training.work_dir, quiet=not processes.first)
    log = training.folder / LOG_NAME
    hooks: list[Hook] = [
        *training.hooks,
        RandomStateHook(),
        TrainingLogHook(log, training.name, max(1, iterations // LOG_LINES), config.checkpoint_interval),
    ]
    if training.evaluations:
        hooks.append(
            ValidationHook(
                log,
                training.evaluations,
                config.validation_interval,
                processes,
                partial(export_model, training),
                training.candidates,
            )
        )
    if training.tracker != NO_TRACKER:
        hooks.append(TrackingHook(training, processes))
    loader = loader_settings(training, processes)
    several_gpus = processes.world > 1 and processes.device.type == "cuda"
    runner_type = WholeBatchStatistics if several_gpus else Runner
    with building(training.name):
        runner = runner_type(
            model=dict(training.trained),
            work_dir=str(training.work_dir),
            train_dataloader=loader,
            train_cfg={"type": "IterBasedTrainLoop", "max_iters": iterations, "val_interval": iterations + 1},
            optim_wrapper=config.optim_wrapper,
            param_scheduler=schedule(config),
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
                    "backend_args": {"backend": WHOLE_FILES},
                },
            },
            custom_hooks=hooks,
            load_from=str(checkpoint) if checkpoint else None,
            resume=checkpoint is not None,
            launcher="pytorch" if processes.world > 1 else "none",
            env_cfg={"mp_cfg": {"mp_start_method": "fork", "opencv_num_threads": 0}},
            log_level="ERROR",
            default_scope="mmseg",
            randomness={"seed": training.seed, "diff_rank_seed": True},
            # mmengine keeps one logger, visualizer and message hub per name in a process.
            experiment_name=f"{training.stage}_{training.name}_{os.getpid()}_{digest_text(str(training.folder))[:8]}",
            cfg=Config(_distribution(training.wrapper, processes)),
        )
        # The Runner would build these only once it trains, outside of this `with`.
        assert runner.train_loop is not None, "it has a training loop"
        runner.optim_wrapper = runner.build_optim_wrapper(runner.optim_wrapper)
        runner.param_schedulers = runner.build_param_scheduler(runner.param_schedulers)
    if config.compile:
        compile_networks(runner.model, processes.device)
    return runner


class WholeBatchStatistics(Runner):
    """A Runner whose batch-norm statistics are those of the whole batch, over all GPUs.

    mmengine's own replacement of the layers would drop the activations that timm's batch norms hold.
    """

    def wrap_model(self, model_wrapper_cfg: dict[str, Any] | None, model: nn.Module) -> nn.Module:
        """The model in its wrapper, with synchronised norms."""
        return super().wrap_model(model_wrapper_cfg, convert_sync_batchnorm(model))


def loader_settings(training: Training, processes: Processes) -> dict[str, Any]:
    """What mmengine builds the training's loader from; beside a GPU, copies to it run while it computes."""
    loader = dict(training.config.train_dataloader)
    workers = loader.setdefault("num_workers", loader_workers(processes))
    loader.update(
        dataset=training.dataset,
        sampler={"type": "OrdinalSampler"},
        batch_size=batch_share(training.config, processes),
        persistent_workers=workers > 0,
        pin_memory=processes.device.type == "cuda",
    )
    return loader


def batch_share(config: Config, processes: Processes) -> int:
    """This process's share of the config's batch, so that the recipe does not change with the number of GPUs."""
    share, rest = divmod(config.train_dataloader.batch_size, processes.world)
    if rest or not share:
        raise InputError(
            f"train_dataloader.batch_size: expected a multiple of the {processes.world} processes (GPUS), "
            f"found {config.train_dataloader.batch_size}; change either"
        )
    return share


def _distribution(wrapper: str, processes: Processes) -> dict[str, object]:
    """How the Runner spreads the model over processes."""
    if processes.world == 1:
        return {}
    # Said of the weights of 1x1 convolutions, whose memory is the same under either name of its layout.
    warnings.filterwarnings("ignore", message="Grad strides do not match bucket view strides")
    on_gpu = processes.device.type == "cuda"
    settings = {
        "type": wrapper,
        "device_ids": [processes.device.index] if on_gpu else None,
        "broadcast_buffers": False,
    }
    return {"model_wrapper_cfg": settings}


def schedule(config: Config) -> list[dict[str, Any]]:
    """The schedule with the end filled in; a warm-up of more than a tenth of a shortened training becomes a tenth."""
    if config.iterations < 2:
        raise InputError(f"iterations: expected at least 2, found {config.iterations}; a schedule needs two ends")
    parts = [dict(part) for part in config.param_scheduler]
    warm_up = min(parts[0].get("end", 0), max(1, config.iterations // 10))
    if len(parts) > 1:
        parts[0]["end"] = parts[1]["begin"] = warm_up
    parts[-1]["end"] = config.iterations
    return parts
