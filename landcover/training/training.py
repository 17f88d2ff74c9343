"""What a training is: model, data, place, seed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmengine import Config
from mmengine.hooks import Hook
from torch import nn
from torch.utils.data import Dataset

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.images.modality import Modality
from landcover.model_cards.origins import Origins
from landcover.sar.training_values import TrainingValues
from landcover.training.candidates import LAST, Candidates
from landcover.training.evaluation import Evaluation
from landcover.training.validation_hook import ValidationTiles, validation_score


@dataclass(frozen=True)
class FurtherExport:
    """Another network of a training that gets a model file, beside that of the model; see `further_path`.

    Args:
        name: a word for what it is, added to the model's name.
        modality: which images it reads.
        network: its config.
        exported: gives it from the module in training.
        values: as of `Training`.
    """

    name: str
    modality: Modality
    network: Mapping[str, Any]
    exported: Callable[[nn.Module], nn.Module]
    values: TrainingValues | None = None


@dataclass(frozen=True)
class Training:
    """What to train and where.

    Args:
        name: name of the model, as in the profile.
        stage: name of the stage, for the manifest.
        modality: which images the model reads.
        config: see `landcover.training.config`; `config.model` is the exported network.
        trained: config of the module in training, `config.model` itself unless something surrounds it.
        exported: gives the network to export from the module in training.
        dataset: yields samples by ordinal.
        validation: tiles for scores during and after training.
        inputs: computes the digests of the training data and of pretrained weights, by name.
        folder: receives checkpoints, log, `model.pth`, `metrics.json` and the manifest.
        seed: of initialisation, order, augmentation.
        hooks: further mmengine hooks.
        further_evaluations: what is logged of the model beside its score on the validation tiles.
        wrapper: class of the MODEL_WRAPPERS registry around the model when several processes train.
        values: what SAR images it trains on, for the model file; None for models that read none.
        scheme: the classes of labels and outputs.
        further_exports: other networks of the module in training that get model files too.
        origins: what the model is made of, for its card.
        tracker: what shows the training while it runs, see `TRACKERS`; no part of what is trained.
    """

    name: str
    stage: str
    modality: Modality
    config: Config
    trained: Mapping[str, Any]
    exported: Callable[[nn.Module], nn.Module]
    dataset: Dataset[Any]
    validation: ValidationTiles | None
    inputs: Callable[[], Mapping[str, str]]
    folder: Path
    seed: int
    hooks: Sequence[Hook] = ()
    further_evaluations: Sequence[Evaluation] = ()
    wrapper: str = "MMDistributedDataParallel"
    values: TrainingValues | None = None
    scheme: ClassScheme = OPEN_EARTH_MAP
    further_exports: Sequence[FurtherExport] = ()
    origins: Origins = field(default_factory=Origins)
    tracker: str = "none"

    @property
    def work_dir(self) -> Path:
        """What mmengine writes, checkpoints above all; removed when the model file is there."""
        return self.folder / "checkpoints"

    @property
    def evaluations(self) -> list[Evaluation]:
        """Everything that is logged of the model during the training."""
        if self.validation is None:
            return [*self.further_evaluations]
        score = validation_score(self.validation, self.exported, self.modality, self.config.crop_size)
        return [score, *self.further_evaluations]

    @property
    def candidates(self) -> Candidates | None:
        """The models of which one is exported by `choose` of the config; None for that of the last iteration."""
        rule = self.config.choose
        further = tuple(export.name for export in self.further_exports)
        return None if rule == LAST else Candidates(self.work_dir, rule, further)
