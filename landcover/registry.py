"""Makes everything that configs name known to mmengine."""

from __future__ import annotations

import importlib

import numpy as np
import torch
from mmengine.registry import init_default_scope

import landcover.quiet_mmseg  # noqa: F401  before the registered modules import mmseg

REGISTERED_MODULES = (
    "landcover.data_sets.ordinal_sampler",
    "landcover.networks.mix_transformer",
    "landcover.networks.timm_features",
    "landcover.networks.segformer_head",
    "landcover.losses.generalized_cross_entropy",
    "landcover.losses.lovasz",
    "landcover.losses.normalized_cross_entropy",
    "landcover.losses.symmetric_cross_entropy",
    "landcover.sar.preprocessor",
    "landcover.training.averaged_network",
    "landcover.training.bf16_optim_wrapper",
    "landcover.training.parameter_groups",
    "landcover.transforms.albumentation",
    "landcover.transforms.random_gain",
    "landcover.transforms.speckle_noise",
)
"""Modules of this package that register a class with mmseg."""


def register_all() -> None:
    """Registers mmseg's and our classes and makes mmseg the scope in which names are looked up; may be repeated."""
    for name in REGISTERED_MODULES:
        importlib.import_module(name)
    init_default_scope("mmseg")
    # mmseg's metrics put float32 numbers into checkpoints; without this, reading one falls back to unsafe loading.
    torch.serialization.add_safe_globals([np.dtypes.Float32DType])
