"""Makes everything that configs name known to mmengine."""

from __future__ import annotations

import importlib
import os

import numpy as np
import torch
from mmengine.registry import init_default_scope

import landcover.quiet_mmseg  # noqa: F401  before the registered modules import mmseg
from landcover.errors import InputError

REGISTERED_MODULES = (
    "landcover.data_sets.ordinal_sampler",
    "landcover.networks.branch_mean",
    "landcover.networks.mix_transformer",
    "landcover.networks.timm_features",
    "landcover.networks.multimodal_preprocessor",
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
    "landcover.transforms.on_modality",
    "landcover.transforms.random_gain",
    "landcover.transforms.speckle_noise",
)
"""Modules of this package that register a class with mmseg."""


PLUGINS = "PLUGINS"
"""Environment variable with the names of further modules, separated by spaces."""


def register_all() -> None:
    """Registers mmseg's, our and the user's classes and makes mmseg the scope of their names; may be repeated.

    Raises:
        InputError: a module of `PLUGINS` can not be imported.
    """
    for name in REGISTERED_MODULES:
        importlib.import_module(name)
    for name in os.environ.get(PLUGINS, "").split():
        _import_plugin(name)
    init_default_scope("mmseg")
    # mmseg's metrics put float32 numbers into checkpoints; without this, reading one falls back to unsafe loading.
    torch.serialization.add_safe_globals([np.dtypes.Float32DType])


def _import_plugin(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as error:  # whatever the module does
        raise InputError(
            f"{PLUGINS}: expected the name of a Python module that registers classes, found {name}, which can not be "
            f"imported ({type(error).__name__}: {error}); correct the name, or add its folder to PYTHONPATH"
        ) from error
