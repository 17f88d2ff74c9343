"""Features of both domains beside the prototypes, when there are first prototypes and when the training ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from numpy.typing import NDArray
from torch import Tensor

from landcover.data_sets.training_tiles import TrainingTiles
from landcover.run_files.atomic import atomic_path
from stage1_optical_da.prototype_alignment.gaussian_mixtures import class_log_likelihoods
from stage1_optical_da.prototype_alignment.gaussian_prototype_alignment import LEAST_SHARE, GaussianPrototypeAlignment
from stage1_optical_da.prototype_alignment.label_grid import labels_on_grid
from stage1_optical_da.self_training import SelfTraining, seen_by

DOMAINS = ("source", "target")

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class View:
    """Pixels of both domains in the space of the prototypes, and the prototypes.

    Args:
        iteration: after which they were so.
        source: (N, d).
        source_labels: (N,) int64 true classes.
        target: (M, d).
        target_labels: (M,) likewise.
        means: (C, K, d).
        variances: (C, K, d).
    """

    iteration: int
    source: Floats
    source_labels: NDArray[np.int64]
    target: Floats
    target_labels: NDArray[np.int64]
    means: Floats
    variances: Floats

    def of(self, domain: str) -> tuple[Floats, NDArray[np.int64]]:
        """Pixels and labels of `source` or `target`."""
        return (self.source, self.source_labels) if domain == "source" else (self.target, self.target_labels)

    def at_home(self, domain: str) -> float:
        """Share of the pixels of a domain that are likelier in the mixture of their own class than in every other."""
        return float((self._log_likelihoods(domain).argmax(1).numpy() == self.of(domain)[1]).mean())

    def sure(self, domain: str, temperature: float) -> float:
        """Mean over the pixels of a domain of the largest probability in the posterior of the mixtures."""
        return float((self._log_likelihoods(domain) / temperature).softmax(1).max(1).values.mean())

    def own_log_probability(self, domain: str, temperature: float) -> float:
        """Mean logarithm of the posterior probability of the true class."""
        found = (self._log_likelihoods(domain) / temperature).log_softmax(1).numpy()
        return float(np.take_along_axis(found, self.of(domain)[1][:, None], 1).mean())

    def save(self, path: Path) -> None:
        """Writes the view, atomically."""
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.savez(file, **asdict(self))

    def _log_likelihoods(self, domain: str) -> Tensor:
        parameters = (torch.from_numpy(values) for values in (self.of(domain)[0], self.means, self.variances))
        return class_log_likelihoods(*parameters)

    @staticmethod
    def load(path: Path) -> View:
        """What `save` has written."""
        with np.load(path) as values:
            arrays = {name: values[name] for name in values.files}
        return View(iteration=int(arrays.pop("iteration")), **arrays)


class KeepViews(Hook):
    """Writes `before.npz` when a training has its first prototypes and `after.npz` when it ends; changes nothing.

    Args:
        crops: labelled tiles of both domains.
        folder: receives the files.
        count: crops of each domain that are looked at.
        pixels: of each class and domain that are kept, at most.
    """

    priority = "VERY_LOW"

    def __init__(self, crops: Mapping[str, TrainingTiles], folder: Path, count: int, pixels: int) -> None:
        self._crops, self._folder, self._count, self._pixels = crops, folder, count, pixels

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """Looks at the first prototypes."""
        part = _alignment(runner.model)
        if int(part.steps) == part.begin:
            self._look(runner).save(self._folder / "before.npz")

    def after_train(self, runner: Runner) -> None:
        """Looks at the last ones."""
        self._look(runner).save(self._folder / "after.npz")

    def _look(self, runner: Runner) -> View:
        model, part = runner.model, _alignment(runner.model)
        training = model.training
        model.eval()
        pixels = {name: sampled(model, crops, self._count, self._pixels) for name, crops in self._crops.items()}
        model.train(training)
        mixtures = part.prototypes.mixtures
        return View(
            int(part.steps), *pixels["source"], *pixels["target"], _array(mixtures.means), _array(mixtures.variances)
        )


@torch.no_grad()
def sampled(model: SelfTraining, crops: TrainingTiles, count: int, pixels: int) -> tuple[Floats, NDArray[np.int64]]:
    """Projected features of the student (N, d) and true classes (N,), as many of each class as there are, at most.

    Args:
        model: in eval mode.
        crops: the first ones are looked at, one at a time.
        count: how many.
        pixels: at most so many of each class, drawn from all crops alike.
    """
    part, found = _alignment(model), []
    for ordinal in range(count):
        sample = crops[ordinal]
        images, indices = sample["inputs"][None].float(), sample["data_samples"].gt_sem_seg.data.long()
        features = seen_by(model.student, images, indices).features
        labels = labels_on_grid(indices, (features.shape[2], features.shape[3]), part.num_classes, LEAST_SHARE)
        found.append((part.projection(features[0].flatten(1).T), labels.flatten()))
    vectors, classes = (np.concatenate([_array(pair[place]) for pair in found]) for place in (0, 1))
    rng = np.random.default_rng(crops.seed)
    places = [rng.permutation(np.flatnonzero(classes == number))[:pixels] for number in range(part.num_classes)]
    chosen = np.concatenate(places)
    return vectors[chosen], classes[chosen]


def _alignment(model: SelfTraining) -> GaussianPrototypeAlignment:
    part = model.parts["alignment"]
    assert isinstance(part, GaussianPrototypeAlignment), "the config has it"
    return part


def _array(values: Tensor) -> NDArray[Any]:
    return values.detach().cpu().numpy().copy()
