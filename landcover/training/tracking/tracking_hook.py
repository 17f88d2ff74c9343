"""A tracker that follows the log of a training."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from mmengine import Config
from mmengine.hooks import Hook
from mmengine.runner import Runner

from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.run_files.atomic import write_json
from landcover.run_files.training_log import LOG_NAME, read_log
from landcover.training.tracking.backends import Tracker
from landcover.training.tracking.map_pictures import map_pictures
from landcover.training.tracking.trackers import build_tracker
from landcover.training.training import Training
from landcover.training.validation_hook import VALIDATION_MIOU

TRACKING = "tracking"
"""Folder beside a model that holds a folder per tracker."""

TRACKED_NAME = "tracked.json"
"""Where a tracker's folder keeps what it calls the training, and the last iteration that it has."""


class TrackingHook(Hook):
    """Gives a tracker every line of the training log, and maps of some validation tiles wherever a line has a score.

    The log decides: lines behind the last one that the tracker has are given to it, be it that the training has just
    logged them, that it goes on after a kill, or that it was begun without a tracker. What the tracker has is not given
    again: iterations that a killed training repeats stay as they were the first time. A tracker that fails is told
    once, does not end the training, and gets what it lacks with the next line.

    Args:
        training: what is tracked; `training.tracker` is one of `TRACKERS`.
        processes: those that train; only the first one tracks.
    """

    # Behind the hooks that write the log, which are registered before it, and before the checkpoint.
    priority = "LOW"

    def __init__(self, training: Training, processes: Processes) -> None:
        self._training, self._processes = training, processes
        self._log = training.folder / LOG_NAME
        self._folder = training.folder / TRACKING / training.tracker
        self._tracker: Tracker | None = None
        self._size, self._tracked, self._failed = 0, 0, False

    def before_train(self, runner: Runner) -> None:
        """Opens the tracker and gives it what was logged before.

        Raises:
            InputError: it can not be opened.
        """
        if not self._processes.first:
            return
        run, self._tracked = _read(self._folder / TRACKED_NAME)
        self._tracker = build_tracker(self._training.tracker, self._folder, self._training.name, run)
        try:
            self._tracker.add_config(self._settings())
        except Exception as error:  # of packages, databases and servers, whatever they raise
            raise InputError(
                f"TRACKER={self._training.tracker}: expected it to take the settings of {self._training.name}, found "
                f"{_line(error)}; correct its settings, or set TRACKER=none"
            ) from error
        self._follow(runner)

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Passes on what this iteration has logged."""
        if self._tracker is not None:
            self._follow(runner, runner.iter + 1)

    def after_train(self, runner: Runner) -> None:
        """Closes the tracker."""
        if self._tracker is not None:
            try:
                self._tracker.close()
            except Exception as error:  # as above
                self._warn(error)

    def _follow(self, runner: Runner, iteration: int | None = None) -> None:
        size = self._log.stat().st_size if self._log.exists() else 0
        if size == self._size:
            return
        self._size = size
        lines = [line for line in read_log(self._log) if line["iteration"] > self._tracked]
        if lines:
            try:
                self._give(runner, lines, iteration)
            except Exception as error:  # as above
                self._warn(error)

    def _give(self, runner: Runner, lines: Sequence[dict[str, float]], iteration: int | None) -> None:
        assert self._tracker is not None, "before_train has run"
        for line in lines:
            values = {name: value for name, value in line.items() if name != "iteration"}
            self._tracker.add_scalars(values, step=round(line["iteration"]))
        if iteration is not None and any(VALIDATION_MIOU in line and line["iteration"] == iteration for line in lines):
            model = getattr(runner.model, "module", runner.model)
            for name, picture in map_pictures(self._training, model, self._processes):
                self._tracker.add_image(f"maps/{name}", picture, step=iteration)
        self._tracker.flush()
        self._tracked = round(lines[-1]["iteration"])
        write_json(self._folder / TRACKED_NAME, {"run": self._tracker.run, "iteration": self._tracked})

    def _settings(self) -> Config:
        training = self._training
        return Config({"model_name": training.name, "seed": training.seed, **training.config.to_dict()})

    def _warn(self, error: Exception) -> None:
        if not self._failed:
            print(
                f"warning: {self._training.name}: TRACKER={self._training.tracker} failed ({_line(error)}); the "
                "training goes on, and what the tracker lacks is given to it again with the next line of the log",
                flush=True,
            )
        self._failed = True


def _read(path: Path) -> tuple[str | None, int]:
    """What the tracker calls the training, and the last iteration that it has."""
    if not path.is_file():
        return None, 0
    content = json.loads(path.read_text(encoding="utf-8"))
    return content["run"], content["iteration"]


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
