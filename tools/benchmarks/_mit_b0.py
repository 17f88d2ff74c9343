"""Configs of the stages with MiT-B0: the networks of the benchmarks of training."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from mmengine.config import Config
from mmengine.logging import MMLogger

from landcover.registry import register_all
from landcover.training.config import load_config

CONFIGS = Path(__file__).parents[2] / "configs"

MIT_B0 = (
    "model.backbone.embed_dims=32",
    "model.backbone.num_layers=(2,2,2,2)",
    "model.decode_head.in_channels=[32,64,160,256]",
    "model.decode_head.channels=256",
)


def mit_b0_config(stage: Literal[1, 2], crop_size: int, options: Sequence[str] = ()) -> Config:
    """The stage's config of a SegFormer, with MiT-B0.

    Args:
        stage: 1 teachers, 2 SAR models.
        crop_size: side of the crops, pixels.
        options: further `key.key=value` on top of the config.
    """
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    path = CONFIGS / f"stage{stage}" / "segformer_mit-b3_768.py"
    return load_config(path, [*MIT_B0, f"crop_size={crop_size}", *options], stage=stage)
