"""Scores of a model on labelled tiles while it trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.distributed as dist
from mmengine.hooks import Hook
from mmengine.runner import Runner
from torch import nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.training_tiles import TrainingTile
from landcover.metrics import ConfusionMatrix
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.prediction.write_scores import READERS
from landcover.processes import Processes
from landcover.raster import read_labels
from landcover.training_log import append_log


@dataclass(frozen=True)
class ValidationTiles:
    """Labelled tiles to score a model on.

    Args:
        tiles: images with labels.
        labels: what the labels are, in a few words, as written in `metrics.json`.
    """

    tiles: Sequence[TrainingTile]
    labels: str


def validate(
    model: nn.Module, validation: ValidationTiles, modality: str, window: int, processes: Processes
) -> ConfusionMatrix:
    """Confusion matrix over all tiles, one view, windows side by side; tiles are shared out over processes.

    Args:
        model: as in `predict_probabilities`; put back to its mode afterwards.
        validation: the tiles.
        modality: "optical" or "sar".
        window: side of the window, pixels.
        processes: those that share the work; all get the whole matrix.
    """
    matrix, was_training = ConfusionMatrix(OPEN_EARTH_MAP), model.training
    model.eval()
    for tile in processes.share(validation.tiles):
        assert tile.labels is not None, "validation tiles are labelled"
        image = READERS[modality](tile.image)
        probabilities = predict_probabilities(model, image, SlidingWindow(window, window), processes.device)
        predicted = OPEN_EARTH_MAP.to_labels(probabilities.argmax(0).cpu().numpy())
        matrix.add(read_labels(tile.labels, OPEN_EARTH_MAP), predicted)
    model.train(was_training)
    if processes.world > 1:
        counts = torch.from_numpy(matrix.counts).to(processes.device)
        dist.all_reduce(counts)
        matrix.counts = counts.cpu().numpy()
    return matrix


class ValidationHook(Hook):
    """Appends `validation_miou` to the training log at regular intervals; it informs and selects nothing.

    Args:
        path: the log file.
        exported: gives the model to score from the one in training.
        validation: the tiles.
        modality: "optical" or "sar".
        window: side of the window, pixels.
        interval: iterations between scores.
        processes: those that train.
    """

    priority = "VERY_LOW"

    def __init__(
        self,
        path: Path,
        exported: Callable[[nn.Module], nn.Module],
        validation: ValidationTiles,
        modality: str,
        window: int,
        interval: int,
        processes: Processes,
    ) -> None:
        self._path = path
        self._exported, self._validation, self._modality = exported, validation, modality
        self._window, self._interval, self._processes = window, interval, processes

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Scores the model when the interval has passed; the final score is made on the exported model."""
        iteration = runner.iter + 1
        if iteration % self._interval or iteration == runner.max_iters:
            return
        model = self._exported(getattr(runner.model, "module", runner.model))
        matrix = validate(model, self._validation, self._modality, self._window, self._processes)
        if self._processes.first:
            line = {"iteration": iteration, "validation_miou": matrix.summary(self._validation.labels)["miou"]}
            append_log(self._path, line)
