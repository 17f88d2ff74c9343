"""Losses of a training in a file and on the screen."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from landcover.atomic import write_text
from landcover.errors import InputError
from landcover.progress import Progress
from landcover.training_log import append_log, read_log


@HOOKS.register_module()
class TrainingLogHook(Hook):
    """Appends the mean of every logged value over `interval` iterations to `log.jsonl` and shows progress.

    Each line is a JSON object with `iteration`, `lr` and the values (`loss` is their sum that was minimised). The
    training stops when the loss is no longer finite; the last checkpoint stays.

    Args:
        path: the log file.
        label: name on the progress bar.
        interval: iterations per line.
    """

    priority = "LOW"

    def __init__(self, path: Path, label: str, interval: int) -> None:
        self._path, self._label, self._interval = path, label, interval
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0
        self._progress: Progress | None = None

    def before_train(self, runner: Runner) -> None:
        """Cuts lines behind the resumed iteration off the log and opens the bar."""
        if runner.rank == 0 and self._path.exists():
            kept = [line for line in read_log(self._path) if line["iteration"] <= runner.iter]
            write_text(self._path, "".join(json.dumps(line) + "\n" for line in kept))
        self._progress = Progress(self._label, runner.max_iters, start=runner.iter, quiet=runner.rank != 0)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: dict[str, Any] | None = None
    ) -> None:
        """Adds the step's values; every `interval` iterations writes a line."""
        for key, value in (outputs or {}).items():
            value = torch.as_tensor(value).detach()
            self._sums[key] = self._sums[key] + value if key in self._sums else value
        self._count += 1
        iteration, note = runner.iter + 1, ""
        if iteration % self._interval == 0 or iteration == runner.max_iters:
            values = {key: float(value) / self._count for key, value in self._sums.items()}
            self._sums, self._count = {}, 0
            if not math.isfinite(values.get("loss", 0.0)):
                raise self._diverged(f"the loss is {values['loss']}", iteration)
            if runner.rank == 0:
                lr = runner.optim_wrapper.get_lr()["lr"][0]
                append_log(self._path, {"iteration": iteration, "lr": lr, **values})
            note = f"loss {values.get('loss', float('nan')):.3f}"
        assert self._progress is not None, "before_train has run"
        self._progress.advance(note=note)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keeps weights that are not finite from taking the place of sound ones, however rarely lines are written."""
        for name, weight in checkpoint["state_dict"].items():
            if not torch.isfinite(weight).all():
                raise self._diverged(f"{name} is not finite", runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Closes the bar."""
        if self._progress is not None:
            self._progress.close()

    def _diverged(self, what: str, iteration: int) -> InputError:
        return InputError(
            f"{self._label}: {what} at iteration {iteration}; lower optim_wrapper.optimizer.lr, "
            f"delete {self._path.parent} and run again"
        )
