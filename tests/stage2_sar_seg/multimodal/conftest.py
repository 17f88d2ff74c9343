"""Tiny networks of both modalities, batches and a training of them."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from mmseg.registry import MODELS
from tiny_networks import tiny_segformer

from landcover.data_sets.training_sample import TrainingSample
from stage2_sar_seg.multimodal.multimodal_training import MultimodalTraining

LOSSES = [{"type": "SymmetricCrossEntropy", "loss_name": "loss_sce"}, {"type": "LovaszSoftmax"}]
WHOLE = {"probability": 0.0, "modalities": {"optical": {"ratio": 0.5, "patch": 16}, "sar": {"ratio": 0.25, "patch": 8}}}
ALONE: dict[str, Any] = {
    "masking": WHOLE,
    "fused_weight": 0.0,
    "complementary_weight": 0.0,
    "cross": {"weight": 0.0},
}
"""Settings that leave both branches to themselves."""


def branch(modality: str, **parts: Any) -> dict[str, Any]:
    """Config of a branch with two heads."""
    preprocessor = (
        {"type": "SarPreprocessor", "mean": [60.0], "std": [30.0]}
        if modality == "sar"
        else {"mean": [100.0] * 3, "std": [50.0] * 3, "size": (32, 32), "seg_pad_val": 255}
    )
    auxiliary = {
        "type": "FCNHead", "in_channels": 40, "in_index": 2, "channels": 8, "num_convs": 1, "num_classes": 8,
        "ignore_index": 255, "align_corners": False,
        "loss_decode": [{**loss, "loss_weight": 0.4} for loss in LOSSES],
    }  # fmt: skip
    bands = 1 if modality == "sar" else 3
    head = {"loss_decode": copy.deepcopy(LOSSES), "ignore_index": 255, "dropout_ratio": 0.0, "norm_cfg": {"type": "BN"}}
    return tiny_segformer(
        preprocessor, bands, {"drop_path_rate": 0.0}, head, auxiliary_head={**auxiliary, "dropout_ratio": 0.0}, **parts
    )


@pytest.fixture
def optical() -> dict[str, Any]:
    """Config of the optical branch."""
    return branch("optical")


@pytest.fixture
def make_model(registered: None) -> Callable[..., MultimodalTraining]:
    """A training of two branches by themselves, with these settings in the place of the others; same weights always."""

    def make(**settings: Any) -> MultimodalTraining:
        torch.manual_seed(0)
        config = {"type": "MultimodalTraining", "optical": branch("optical"), "sar": branch("sar")}
        model: MultimodalTraining = MODELS.build({**config, "shares": [0.125] * 8, **ALONE, **settings})
        model.init_weights()
        model.progress = 0.5
        return model.train()

    return make


@pytest.fixture
def batch() -> Callable[..., dict[str, Any]]:
    """A batch as the loader collates it, of pairs or, where it is not paired, of another SAR image without labels."""

    def make(paired: Sequence[bool] = (True, True, True), seed: int = 0) -> dict[str, Any]:
        rng = torch.Generator().manual_seed(seed)
        grey = [
            {name: torch.randint(0, 256, (bands, 32, 32), generator=rng, dtype=torch.uint8)
            for name, bands in (("optical", 3), ("sar", 1))}
            for _ in paired
        ]  # fmt: skip
        labels = [torch.randint(0, 8, (1, 32, 32), generator=rng, dtype=torch.uint8) for _ in paired]
        for label in labels:
            label[:, :4] = 254
            label[:, :, 28:] = 255
        of_sar = [label if both else label.clamp(254) for label, both in zip(labels, paired, strict=True)]
        return {
            **{
                name: {
                    "inputs": [image[name] for image in grey],
                    "data_samples": [TrainingSample.of(label, "tile.tif") for label in of_modality],
                }
                for name, of_modality in (("optical", labels), ("sar", of_sar))
            },
            "paired": list(paired),
            "seed": list(range(seed, seed + len(paired))),
        }

    return make
