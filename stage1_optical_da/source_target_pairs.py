"""Source and target samples side by side."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from mmengine.model import BaseDataPreprocessor
from mmseg.registry import MODELS
from torch.utils.data import Dataset

from landcover.data_sets.training_tiles import TrainingTiles

DOMAINS = ("source", "target")


class SourceTargetPairs(Dataset[dict[str, Any]]):
    """Sample n is sample n of the source beside sample n of the target.

    Both sets shuffle by themselves every epoch of their own, so all combinations occur although the pairs are never
    listed; one epoch is one pass over the longer set.

    Args:
        source: labelled tiles.
        target: unlabelled tiles; another seed than the source's keeps the augmentations apart.
    """

    def __init__(self, source: TrainingTiles, target: TrainingTiles) -> None:
        self.source, self.target = source, target
        self.metainfo = source.metainfo

    def __len__(self) -> int:
        return max(len(self.source), len(self.target))

    def __getitem__(self, ordinal: int) -> dict[str, Any]:
        """`source` and `target`, each a sample of `TrainingTiles`, and `seed`, an integer for the draws of their mix.

        What is drawn later, on the device, depends on the seed and the ordinal too, and so neither on the number of
        processes nor on where a training was interrupted.
        """
        seed = int(np.random.SeedSequence([self.source.seed, ordinal, 1]).generate_state(1)[0])
        return {"source": self.source[ordinal], "target": self.target[ordinal], "seed": seed}


@MODELS.register_module()
class SourceTargetPreprocessor(BaseDataPreprocessor):
    """Moves a batch of `SourceTargetPairs` to the device; grey values stay 0..255, for mixing and colour jitter."""

    def __init__(self) -> None:
        super().__init__(non_blocking=True)

    def forward(self, data: dict[str, Any], training: bool = False) -> dict[str, Any]:
        """The batch on the device.

        Returns:
            `inputs`: images (B, 3, H, W) float by domain; `data_samples`: indices (B, H, W) int64 by domain;
            `generators`: one for each pair, on the CPU.
        """
        del training
        moved = self.cast_data({domain: data[domain] for domain in DOMAINS})
        return {
            "inputs": {domain: torch.stack(batch["inputs"]).float() for domain, batch in moved.items()},
            "data_samples": {
                domain: torch.stack([sample.gt_sem_seg.data[0] for sample in batch["data_samples"]])
                for domain, batch in moved.items()
            },
            "generators": [torch.Generator().manual_seed(seed) for seed in data["seed"]],
        }
