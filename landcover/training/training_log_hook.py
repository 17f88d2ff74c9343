"""Losses of a training in a file and on the screen."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.dist import all_gather_object
from mmengine.hooks import Hook
from mmengine.registry import HOOKS
from mmengine.runner import Runner

from landcover.errors import InputError
from landcover.processes.progress import Progress
from landcover.run_files.atomic import sync, write_text
from landcover.run_files.training_log import append_log, read_log

CHECK_INTERVAL = 50
"""Largest number of iterations between looks at the loss; each look waits for the device."""


@dataclass(frozen=True)
class _Step:
    """What one iteration minimised, and on which files."""

    iteration: int
    loss: torch.Tensor
    files: tuple[str, ...]


@HOOKS.register_module()
class TrainingLogHook(Hook):
    """Appends the mean of every logged value over `interval` iterations to `log.jsonl` and shows progress.

    Each line is a JSON object with `iteration`, `lr` and the values (`loss` is their sum that was minimised). The
    training stops in all processes when the loss of one is no longer finite, and tells the files of the first such
    batch; the last checkpoint stays.

    Args:
        path: the log file.
        label: name on the progress bar.
        interval: iterations per line.
        checkpoint_interval: iterations between checkpoints; the loss is looked at before each.
    """

    priority = "LOW"

    def __init__(self, path: Path, label: str, interval: int, checkpoint_interval: int = CHECK_INTERVAL) -> None:
        self._path, self._label, self._interval = path, label, interval
        self._check_intervals = (CHECK_INTERVAL, interval, checkpoint_interval)
        self._sums: dict[str, torch.Tensor] = {}
        self._count = 0
        self._unchecked: list[_Step] = []
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
        """Adds the step's values; looks at the loss and writes a line whenever it is time."""
        iteration, last = runner.iter + 1, runner.iter + 1 == runner.max_iters
        for key, value in (outputs or {}).items():
            value = torch.as_tensor(value).detach()
            self._sums[key] = self._sums[key] + value if key in self._sums else value
            if key == "loss":
                self._unchecked.append(_Step(iteration, value, _files(data_batch)))
        self._count += 1
        if last or any(iteration % interval == 0 for interval in self._check_intervals):
            self._check_losses()
        note = self._write_line(runner, iteration) if last or iteration % self._interval == 0 else ""
        assert self._progress is not None, "before_train has run"
        self._progress.advance(note=note)

    def before_save_checkpoint(self, runner: Runner, checkpoint: dict[str, Any]) -> None:
        """Keeps weights that are not finite from taking the place of sound ones: the last step may have spoilt them.

        The lines up to the checkpoint are on the disk before it is: one of them may choose the model.
        """
        for path in (self._path, self._path.parent):
            if path.exists():
                sync(path)
        for name, weight in checkpoint["state_dict"].items():
            if not torch.isfinite(weight).all():
                raise self._diverged(f"{name} is not finite", runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Closes the bar."""
        if self._progress is not None:
            self._progress.close()

    def _write_line(self, runner: Runner, iteration: int) -> str:
        """Appends the means since the last line; returns the note for the bar."""
        values = {key: float(value) / self._count for key, value in self._sums.items()}
        self._sums, self._count = {}, 0
        if runner.rank == 0:
            lr = runner.optim_wrapper.get_lr()["lr"][0]
            append_log(self._path, {"iteration": iteration, "lr": lr, **values})
        return f"loss {values.get('loss', float('nan')):.3f}"

    def _check_losses(self) -> None:
        """Raises in every process if one of them met a loss that is not finite since the last look.

        A process that stopped alone would leave the others waiting for its gradients, and which of them the user
        hears of is not up to it. One step later the loss is not finite in any of them: the earliest tells the batch.
        """
        steps, self._unchecked = self._unchecked, []
        losses = torch.stack([step.loss for step in steps]).tolist() if steps else []
        found = [
            (step.iteration, loss, step.files)
            for step, loss in zip(steps, losses, strict=True)
            if not math.isfinite(loss)
        ]
        firsts = [first for first in all_gather_object(found[0] if found else None) if first is not None]
        if firsts:
            iteration, loss, _ = min(firsts, key=lambda first: first[0])
            files = [file for at, _, names in firsts if at == iteration for file in names]
            raise self._diverged(f"the loss is {loss}", iteration, files)

    def _diverged(self, what: str, iteration: int, files: list[str] | None = None) -> InputError:
        batch = f" (files of this batch: {', '.join(files)})" if files else ""
        return InputError(
            f"{self._label}: {what} at iteration {iteration}{batch}; lower optim_wrapper.optimizer.lr, "
            f"delete {self._path.parent} and run again"
        )


def _files(batch: object) -> tuple[str, ...]:
    """Image files of a batch: of one domain, or of several by name."""
    if not isinstance(batch, Mapping):
        return ()
    nested = [file for part in batch.values() for file in _files(part)]
    names = [sample.metainfo.get("img_path") for sample in batch.get("data_samples", ())]
    return (*nested, *(name for name in names if name is not None))
