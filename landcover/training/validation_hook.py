"""Values of a model while it trains, above all its score on labelled tiles."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.distributed as dist
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.typing import NDArray
from torch import nn

from landcover.classes import OPEN_EARTH_MAP, VOID, ClassScheme
from landcover.data_sets.training_tiles import TrainingTile
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.modality import Image, Modality, read_whole
from landcover.images.source import Bands
from landcover.metrics import ConfusionMatrix
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.processes.group import Processes
from landcover.run_files.training_log import append_log, read_log
from landcover.training.candidates import Candidates
from landcover.training.evaluation import Evaluation

VALIDATION_MIOU = "validation_miou"


@dataclass(frozen=True)
class ValidationTiles:
    """Labelled tiles to score a model on.

    Args:
        tiles: images with labels.
        labels: what the labels are, in a few words, as written in `metrics.json`.
        bands: which bands of SAR images are read, see `read_sar`.
        scheme: their classes.
    """

    tiles: Sequence[TrainingTile]
    labels: str
    bands: Bands = ()
    scheme: ClassScheme = OPEN_EARTH_MAP


def validate(
    model: nn.Module, validation: ValidationTiles, modality: Modality, window: int, processes: Processes
) -> ConfusionMatrix:
    """Confusion matrix over all tiles, one view, windows side by side; tiles are shared out over processes.

    Labels where the image has no data do not count, as in the training.

    Args:
        model: as in `predict_probabilities`; put back to its mode afterwards.
        validation: the tiles.
        modality: of the images.
        window: side of the window, pixels.
        processes: those that share the work; all get the whole matrix.
    """
    matrix = ConfusionMatrix(validation.scheme)
    for _, labels, predicted in map_tiles(
        model, processes.share(validation.tiles), validation, modality, window, processes
    ):
        matrix.add(labels, predicted)
    if processes.world > 1:
        counts = torch.from_numpy(matrix.counts).to(processes.device)
        dist.all_reduce(counts)
        matrix.counts = counts.cpu().numpy()
    return matrix


def map_tiles(
    model: nn.Module,
    tiles: Iterable[TrainingTile],
    validation: ValidationTiles,
    modality: Modality,
    window: int,
    processes: Processes,
) -> Iterator[tuple[Image, NDArray[np.uint8], NDArray[np.uint8]]]:
    """Image, labels that count and map of every tile, by this process alone; the last two uint8 (H, W).

    Arguments as in `validate`, `tiles` those of `validation` that are wanted.
    """
    scheme, was_training = validation.scheme, model.training
    model.eval()
    try:
        for tile in tiles:
            assert tile.labels is not None, "validation tiles are labelled"
            image, no_data = read_whole(tile.image, modality, validation.bands)
            probabilities = predict_probabilities(model, image, SlidingWindow(window, window), processes.device)
            predicted = scheme.to_labels(probabilities.argmax(0).cpu().numpy())
            yield image, np.where(no_data, np.uint8(VOID), read_labels(tile.labels, scheme)), predicted
    finally:
        model.train(was_training)


def validation_score(
    validation: ValidationTiles, exported: Callable[[nn.Module], nn.Module], modality: Modality, window: int
) -> Evaluation:
    """`validation_miou` (0..1) of the exported model; arguments as in `validate` and `Training`."""

    def values(model: nn.Module, processes: Processes) -> dict[str, float]:
        matrix = validate(exported(model), validation, modality, window, processes)
        miou = matrix.summary(validation.labels)["miou"]
        assert isinstance(miou, float), "there are labelled pixels"
        return {VALIDATION_MIOU: miou}

    return Evaluation((VALIDATION_MIOU,), values)


class ValidationHook(Hook):
    """Appends a line with the values of all evaluations to the training log, at regular intervals and at the end.

    With candidates, the model of every evaluated iteration is kept as long as the rule may choose it.

    Args:
        path: the log file.
        evaluations: what is logged; at least one.
        interval: iterations between lines.
        processes: those that train.
        export: writes the model file of the module in training; used with candidates only.
        candidates: keeps the model files; None keeps none.
    """

    # Behind the teacher's update and the line of the losses; before the checkpoint, behind which nothing is repeated.
    priority = "LOW"

    def __init__(
        self,
        path: Path,
        evaluations: Sequence[Evaluation],
        interval: int,
        processes: Processes,
        export: Callable[[nn.Module, Path], None],
        candidates: Candidates | None = None,
    ) -> None:
        self._path, self._evaluations, self._interval = path, evaluations, interval
        self._processes, self._export, self._candidates = processes, export, candidates

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Evaluates the model when the interval has passed and after the last iteration."""
        iteration = runner.iter + 1
        if iteration % self._interval and iteration != runner.max_iters:
            return
        model = getattr(runner.model, "module", runner.model)
        values: dict[str, float] = {}
        for evaluation in self._evaluations:
            values.update(evaluation.values(model, self._processes))
        self._check(values, iteration)
        if not self._processes.first:
            return
        if self._candidates is not None:
            self._export(model, self._candidates.path(iteration))
        append_log(self._path, {"iteration": iteration, **values})
        if self._candidates is not None:
            self._candidates.prune(read_log(self._path))

    def _check(self, values: Mapping[str, float], iteration: int) -> None:
        for name, value in values.items():
            if not math.isfinite(value):
                raise InputError(
                    f"{self._path.parent}: {name} is {value} at iteration {iteration}; "
                    "lower optim_wrapper.optimizer.lr, delete this folder and run again"
                )
