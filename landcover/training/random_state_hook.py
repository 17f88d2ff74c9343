"""Random states in checkpoints, so that a resumed training goes on with the same draws."""

from __future__ import annotations

from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner


@HOOKS.register_module()
class RandomStateHook(Hook):
    """Saves torch's generators (dropout, class mixing) in every checkpoint and restores them when resuming.

    Data augmentation needs none: it depends on the sample's ordinal. Checkpoints are written by the first process, so
    its states go on bit for bit; the other processes draw a fresh stream of their own.
    """

    _states: dict[str, torch.Tensor] | None = None

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Adds the states to what is about to be saved."""
        states = {"cpu": torch.get_rng_state()}
        if torch.cuda.is_available():
            states["cuda"] = torch.cuda.get_rng_state()
        checkpoint["random_states"] = states

    def after_load_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keeps the states until training starts; what is built in between must not use them up."""
        self._states = checkpoint.get("random_states")

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        """Restores the states of the checkpoint, if one was loaded, before the first step.

        Not earlier: the data loader's iterator, made after the start of the epoch, draws from the same generator.
        """
        states, self._states = self._states, None
        if states is None:
            return
        if runner.rank > 0:
            torch.manual_seed(torch.initial_seed() + runner.iter * runner.world_size + runner.rank)
            return
        torch.set_rng_state(states["cpu"].cpu())
        if "cuda" in states and torch.cuda.is_available():
            torch.cuda.set_rng_state(states["cuda"].cpu())
