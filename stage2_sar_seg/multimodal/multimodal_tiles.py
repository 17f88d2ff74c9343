"""Training samples with an optical and a SAR image: labelled pairs, unlabelled pairs, SAR images alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from torch import nn
from torch.utils.data import Dataset

from landcover.classes import IGNORE_INDEX, UNLABELLED_INDEX
from landcover.data_sets.training_tiles import TrainingTiles
from landcover.errors import InputError
from landcover.networks.branch_mean import BRANCHES

GOLDEN = (5**0.5 - 1) / 2
"""Multiples of it, without their whole part, lie evenly: any few samples in a row have nearly their shares of kinds."""


class MultimodalTiles(Dataset[dict[str, Any]]):
    """Sample n is a labelled pair, an unlabelled pair, or a SAR image alone beside the optical one of a labelled pair.

    The last is of no common place: each of its images teaches its own branch only, and every batch has as many images
    of both modalities. Kinds depend on the ordinal alone.

    Args:
        labelled: crops of pairs; all three sets mark unlabelled pixels, see `TrainingTiles`.
        unlabelled: crops of pairs without labels, if there are any.
        sar_only: crops of SAR images without labels, if there are any.
        unlabelled_share: of the samples, where there are such tiles.
        sar_only_share: likewise.

    Raises:
        InputError: shares that leave nothing for labelled pairs.
    """

    def __init__(
        self,
        labelled: TrainingTiles,
        unlabelled: TrainingTiles | None,
        sar_only: TrainingTiles | None,
        unlabelled_share: float,
        sar_only_share: float,
    ) -> None:
        if min(unlabelled_share, sar_only_share) < 0 or unlabelled_share + sar_only_share >= 1:
            raise InputError(
                "multimodal.data: expected unlabelled_share and sar_only_share of at least 0 with a sum below 1, found "
                f"{unlabelled_share!r} and {sar_only_share!r}; the rest of the samples is labelled"
            )
        self.labelled, self.unlabelled, self.sar_only = labelled, unlabelled, sar_only
        self.seed, self.metainfo = labelled.seed, labelled.metainfo
        self._unlabelled_until = 0.0 if unlabelled is None else unlabelled_share
        self._sar_only_until = self._unlabelled_until + (0.0 if sar_only is None else sar_only_share)

    def __len__(self) -> int:
        return sum(len(tiles) for tiles in (self.labelled, self.unlabelled, self.sar_only) if tiles is not None)

    def __getitem__(self, ordinal: int) -> dict[str, Any]:
        """`optical` and `sar`, each with `inputs` and `data_samples` as a sample of `TrainingTiles` of one modality.

        Beside them `paired`, whether both are of one place, and `seed`, an integer for what is drawn on the device: it
        depends on the seed and the ordinal, and so neither on the number of processes nor on interruptions.
        """
        place = (ordinal + 0.5) * GOLDEN % 1
        seed = int(np.random.SeedSequence([self.seed, ordinal, 2]).generate_state(1)[0])
        if self.unlabelled is not None and place < self._unlabelled_until:
            return {**_pair(self.unlabelled[ordinal]), "paired": True, "seed": seed}
        pair = _pair(self.labelled[ordinal])
        if self.sar_only is not None and place < self._sar_only_until:
            return {"optical": pair["optical"], "sar": self.sar_only[ordinal], "paired": False, "seed": seed}
        return {**pair, "paired": True, "seed": seed}


def _pair(sample: Mapping[str, Any]) -> dict[str, Any]:
    """The two images of a sample, each with the sample's labels."""
    return {name: {"inputs": sample["inputs"][name], "data_samples": sample["data_samples"]} for name in BRANCHES}


class MultimodalPairsPreprocessor(BaseDataPreprocessor):
    """Moves a batch of `MultimodalTiles` to the device and normalises each modality by its branch's rules.

    Args:
        preprocessors: by modality.
    """

    def __init__(self, preprocessors: Mapping[str, nn.Module]) -> None:
        super().__init__(non_blocking=True)
        self.preprocessors = nn.ModuleDict(preprocessors)

    def forward(self, data: Mapping[str, Any], training: bool = False) -> dict[str, Any]:
        """The batch on the device.

        Returns:
            By modality `inputs`, normalised (B, bands, H, W), `data_samples` with indices of which the unlabelled ones
            are ignored, and `inside`, (B, H, W) bool, what is image; B times `paired`, whether both are of one place;
            `generators`, one for each sample, on the CPU.
        """
        moved = {name: self.cast_data(data[name]) for name in BRANCHES}
        batches = {name: self.preprocessors[name](moved[name], training) for name in BRANCHES}
        inside = {}
        for name, batch in batches.items():
            inside[name] = torch.stack([sample.gt_sem_seg.data[0] for sample in batch["data_samples"]]) != IGNORE_INDEX
            for sample in batch["data_samples"]:
                sample.gt_sem_seg.data.masked_fill_(sample.gt_sem_seg.data == UNLABELLED_INDEX, IGNORE_INDEX)
        return {
            "inputs": {name: batch["inputs"] for name, batch in batches.items()},
            "data_samples": {name: batch["data_samples"] for name, batch in batches.items()},
            "inside": inside,
            "paired": list(data["paired"]),
            "generators": [torch.Generator().manual_seed(seed) for seed in data["seed"]],
        }
