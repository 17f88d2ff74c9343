"""A teacher small enough to be trained in a test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

ROOT = Path(__file__).parents[2]

TINY_TEACHER = f"""
_base_ = [
    "{ROOT}/configs/_base_/models/segformer_mit.py",
    "{ROOT}/configs/_base_/datasets/optical_pairs.py",
    "{ROOT}/configs/_base_/uda/dacs.py",
    "{ROOT}/configs/_base_/schedules/demo.py",
]
crop_size = 32
iterations = 3
model = dict(
    backbone=dict(embed_dims=8, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=16, dropout_ratio=0.0),
)
train_dataloader = dict(batch_size=2)
"""


@pytest.fixture
def tiny_teacher(tmp_path: Path) -> Path:
    """Config file of a teacher of three iterations."""
    path = tmp_path / "configs" / "tiny.py"
    path.parent.mkdir()
    path.write_text(TINY_TEACHER)
    return path


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
    return {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "SegDataPreProcessor", "mean": [127.0] * 3, "std": [60.0] * 3},
        "backbone": {
            "type": "FastMixVisionTransformer",
            "embed_dims": 8,
            "num_layers": (1, 1, 1, 1),
            "drop_path_rate": 0.0,
        },
        "decode_head": {
            "type": "FastSegformerHead",
            "in_channels": [8, 16, 40, 64],
            "in_index": [0, 1, 2, 3],
            "channels": 16,
            "loss_decode": [loss],
            **head,
        },
        "auxiliary_head": {
            "type": "FCNHead",
            "in_channels": 40,
            "in_index": 2,
            "channels": 8,
            "num_convs": 1,
            "concat_input": False,
            "loss_decode": [{**loss, "loss_weight": 0.4}],
            **head,
        },
        "train_cfg": {},
        "test_cfg": {"mode": "whole"},
    }


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
