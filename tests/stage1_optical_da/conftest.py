"""A teacher small enough to be trained in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from tiny_networks import tiny_segformer, write_tiny_config


@pytest.fixture
def tiny_teacher(tmp_path: Path) -> Path:
    """Config file of a teacher of three iterations."""
    bases = ["datasets/optical_pairs", "uda/dacs"]
    return write_tiny_config(tmp_path / "configs", bases, iterations=3, bands=3)


@pytest.fixture
def student() -> dict[str, Any]:
    """Config of a SegFormer with an auxiliary head, without dropout; it sees grey values as they are."""
    head = {
        "num_classes": 8,
        "ignore_index": 255,
        "dropout_ratio": 0.0,
        "align_corners": False,
        "norm_cfg": {"type": "BN"},
    }
    loss = {"type": "SymmetricCrossEntropy", "alpha": 1.0, "beta": 0.0, "loss_name": "loss_ce"}
    return tiny_segformer(
        {"mean": [127.0] * 3, "std": [60.0] * 3},
        backbone={"drop_path_rate": 0.0},
        decode_head={"loss_decode": [loss], **head},
        auxiliary_head={
            "type": "FCNHead",
            "in_channels": 40,
            "in_index": 2,
            "channels": 8,
            "num_convs": 1,
            "concat_input": False,
            "loss_decode": [{**loss, "loss_weight": 0.4}],
            **head,
        },
        train_cfg={},
        test_cfg={"mode": "whole"},
    )


@pytest.fixture
def loaded_pairs() -> dict[str, Any]:
    """Two pairs of 32 x 32 pixels as the loader gives them: labels without void, targets without padding."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 8, (2, 32, 32), generator=generator)
    data: dict[str, Any] = {"seed": [0, 1]}
    for domain, indices in (("source", labels), ("target", torch.zeros_like(labels))):
        samples = [SegDataSample(gt_sem_seg=PixelData(data=plane[None])) for plane in indices]
        data[domain] = {"inputs": [*(255 * torch.rand(2, 3, 32, 32, generator=generator))], "data_samples": samples}
    return data
