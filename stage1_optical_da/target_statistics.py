"""How sure teacher and student are of the target, and how far they agree: values that need no labels of the target."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor, nn

from landcover.data_sets.stored_tiles import TrainingTile
from landcover.images.modality import read_whole
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.processes.group import Processes
from landcover.training.evaluation import Evaluation
from stage1_optical_da.self_training import SelfTraining

Item = TypeVar("Item")

MAX_TILES = 32
NAMES = ("target_confidence", "target_confident_share", "target_agreement")


def target_evaluation(tiles: Sequence[TrainingTile], window: int) -> Evaluation:
    """`target_statistics` of at most `MAX_TILES` tiles, spread evenly over `tiles`.

    Args:
        tiles: optical tiles of the target, in a fixed order.
        window: side of the window, pixels.
    """
    return Evaluation(NAMES, partial(_values, spread_evenly(tiles, MAX_TILES), window))


def spread_evenly(items: Sequence[Item], most: int) -> list[Item]:
    """At most `most` of `items`, at even distances, the first one among them."""
    count = min(len(items), most)
    return [items[place * len(items) // count] for place in range(count)]


def target_statistics(
    model: SelfTraining, tiles: Sequence[TrainingTile], window: int, processes: Processes
) -> dict[str, float]:
    """Means over all pixels with data, one view, windows side by side; tiles are shared out over processes.

    Args:
        model: the module in training; put back to its mode afterwards.
        tiles: optical tiles.
        window: side of the window, pixels.
        processes: those that share the work; all get the same values.

    Returns:
        `target_confidence`, the teacher's mean maximum probability; `target_confident_share`, the share of pixels
        where that is at least `model.confidence`; `target_agreement`, the share of pixels to which student and teacher
        give the same class. All are 0..1.
    """
    was_training = model.training
    model.eval()
    sums = torch.zeros(len(NAMES) + 1, dtype=torch.float64, device=processes.device)
    for tile in processes.share(tiles):
        pixels, no_data = read_whole(tile.image, "optical", area=tile.area)
        measured = torch.from_numpy(~no_data).to(processes.device)
        teacher, student = (
            predict_probabilities(network, pixels, SlidingWindow(window, window), processes.device)
            for network in (model.teacher, model.student)
        )
        sums += _sums(teacher[:, measured], student[:, measured], model.confidence)
    model.train(was_training)
    if processes.world > 1:
        dist.all_reduce(sums)
    *totals, pixel_count = sums.tolist()
    return {name: total / pixel_count for name, total in zip(NAMES, totals, strict=True)}


def _sums(teacher: Tensor, student: Tensor, confidence: float) -> Tensor:
    """(4,) float64: sum of confidences, confident pixels, agreeing pixels, all pixels of (C, N) probabilities."""
    top, classes = teacher.max(0)
    agree = classes == student.argmax(0)
    counts = torch.stack([(top >= confidence).sum(), agree.sum(), torch.tensor(top.numel(), device=top.device)])
    return torch.cat([top.double().sum()[None], counts.double()])


def _values(tiles: Sequence[TrainingTile], window: int, model: nn.Module, processes: Processes) -> dict[str, float]:
    assert isinstance(model, SelfTraining)
    return target_statistics(model, tiles, window, processes)
