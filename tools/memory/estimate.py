"""What a training step takes on each GPU."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from mmengine import Config
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS
from torch import Tensor

from landcover.processes.group import Processes
from landcover.training.runner import batch_share
from landcover.training.training import Training
from tools.memory.blank_training import blank_training
from tools.memory.live_bytes import LiveBytes
from tools.memory.without_data import built_on_meta, placed, without_data


@dataclass(frozen=True)
class Estimate:
    """Bytes on one GPU.

    Args:
        batch: samples of a step on this GPU.
        kept: weights, buffers, the optimizer's state, the buckets in which processes add gradients: always there.
        step: what the step takes beside them when it takes most: batch, gradients, activations, temporary tensors.
    """

    batch: int
    kept: int
    step: int

    @property
    def total(self) -> int:
        """All together."""
        return self.kept + self.step


def estimate(config: Config, gpus: int) -> Estimate:
    """Bytes that a step of the training takes on each of `gpus` GPUs.

    Args:
        config: of either stage, see `landcover.training.config`.
        gpus: number of processes that share the batch.

    Raises:
        InputError: the batch can not be shared out.
    """
    batch = batch_share(config, Processes(0, gpus, torch.device("cpu")))
    with tempfile.TemporaryDirectory() as folder:
        training = blank_training(config, Path(folder))
        items: Any = training.dataset
        data = pseudo_collate([items[ordinal] for ordinal in range(batch)])
    model = built_on_meta(lambda: MODELS.build(training.trained))
    with without_data(), LiveBytes() as live:
        placed(model)
        wrapper = build_optim_wrapper(model, training.config.optim_wrapper)
        buckets = start_training(wrapper, gpus)
        live.add([*model.parameters(), *model.buffers(), *buckets])
        kept = live.now
        train_a_step(training, model, wrapper, data)
    return Estimate(batch, kept, live.peak - kept)


def start_training(wrapper: OptimWrapper, gpus: int) -> list[Tensor]:
    """Gives the optimizer its state, which it has from its first step on; returns the buckets of several processes."""
    learning = [parameter for group in wrapper.param_groups for parameter in group["params"]]
    for parameter in learning:
        parameter.grad = torch.zeros_like(parameter)
    wrapper.step()
    wrapper.zero_grad()
    return [torch.zeros_like(parameter) for parameter in learning] if gpus > 1 else []


def train_a_step(training: Training, model: BaseModel, wrapper: OptimWrapper, data: Any) -> None:
    """What the Runner does with one batch."""
    model.train_step(data, wrapper)
    runner = SimpleNamespace(model=model, iter=0)
    for hook in training.hooks:
        hook.after_train_iter(runner, 0)
