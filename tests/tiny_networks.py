"""A SegFormer small enough to be built, trained and run in a test: as config, as config file and as options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmseg.registry import MODELS

from landcover.training.config import load_config

ROOT = Path(__file__).parents[1]

ONE_HEAD_OPTIONS = (
    "model.backbone.embed_dims=8",
    "model.backbone.num_heads=(1, 1, 1, 1)",
    "model.decode_head.in_channels=[8, 8, 8, 8]",
    "model.decode_head.channels=8",
)
"""What makes a SegFormer of `configs/demo` tiny: one attention head of eight channels in every stage."""

TINY_CONFIG = """
_base_ = {bases}
crop_size = 32
iterations = {iterations}
model = dict(
    backbone=dict(in_channels={bands}, embed_dims=8, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=16, dropout_ratio=0.0),
)
train_dataloader = dict(batch_size=2)
"""


def write_backbone_weights(path: Path, config: Path, seed: int = 0) -> Path:
    """Writes a file of pretrained weights for the backbone of a config file: random ones of this seed."""
    torch.manual_seed(seed)
    torch.save(MODELS.build(load_config(config).model.backbone).state_dict(), path)
    return path


def tiny_segformer(
    preprocessor: Mapping[str, Any],
    bands: int = 3,
    backbone: Mapping[str, Any] | None = None,
    decode_head: Mapping[str, Any] | None = None,
    **parts: Any,
) -> dict[str, Any]:
    """Config of a SegFormer of eight classes for mmseg's MODELS registry.

    Args:
        preprocessor: type and its arguments, or only the arguments of `SegDataPreProcessor`.
        bands: bands of the images.
        backbone: further arguments of the backbone.
        decode_head: further arguments of the head.
        parts: further parts of the segmentor.
    """
    return {
        "type": "EncoderDecoder",
        "data_preprocessor": {"type": "SegDataPreProcessor", **preprocessor},
        "backbone": {
            "type": "FastMixVisionTransformer",
            "in_channels": bands,
            "embed_dims": 8,
            "num_layers": (1, 1, 1, 1),
            **(backbone or {}),
        },
        "decode_head": {
            "type": "FastSegformerHead",
            "in_channels": [8, 16, 40, 64],
            "in_index": [0, 1, 2, 3],
            "channels": 16,
            "num_classes": 8,
            "align_corners": False,
            **(decode_head or {}),
        },
        **parts,
    }


def write_tiny_config(folder: Path, bases: Sequence[str], iterations: int, bands: int) -> Path:
    """Writes `tiny.py`, the config of a training on crops of 32 pixels.

    Args:
        folder: is made.
        bases: names below `configs/_base_`, beside the model and the schedule.
        iterations: length of the training.
        bands: bands of the images.
    """
    names = ["models/segformer_mit", *bases, "schedules/demo"]
    paths = [str(ROOT / "configs" / "_base_" / f"{name}.py") for name in names]
    folder.mkdir()
    path = folder / "tiny.py"
    path.write_text(TINY_CONFIG.format(bases=paths, iterations=iterations, bands=bands))
    return path
