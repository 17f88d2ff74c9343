"""torch.compile for the networks of a training."""

from __future__ import annotations

import os
import shutil
import sysconfig
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import torch
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from torch import nn

from landcover.errors import InputError


def compile_networks(model: nn.Module, device: torch.device) -> None:
    """Compiles, in place, the backbone and the heads of every segmentor in `model`; the first steps do the work.

    Names in state dicts stay. In inference mode the parts run as they are: the tiles of a validation have many sizes,
    and each would be compiled anew, while training crops have one.

    Args:
        model: holds one or more `EncoderDecoder`; built completely, since copies made later would share the originals.
        device: where the model computes.

    Raises:
        InputError: torch.compile can not work on this machine; names what is missing.
    """
    check_compiler(device)
    # A process may train several models; what is compiled for one counts towards the limit of the next otherwise.
    torch.compiler.reset()
    segmentors = [module for module in model.modules() if isinstance(module, EncoderDecoder)]
    heads = [module for module in model.modules() if isinstance(module, BaseDecodeHead)]
    for part in (*(segmentor.backbone for segmentor in segmentors), *heads):
        # Not part.compile(): that changes __call__ only, and mmseg's heads call their forward when they train.
        part.forward = _in_training(part.forward)


def check_compiler(device: torch.device) -> None:
    """Raises `InputError` if torch.compile lacks a compiler, its headers or Triton for this device."""
    found: dict[str, object] = {}
    if device.type == "cpu":
        found["a C++ compiler (g++, or CXX)"] = shutil.which(os.environ.get("CXX", "g++"))
    else:
        found["the package triton"] = find_spec("triton")
        compilers = [os.environ["CC"]] if "CC" in os.environ else ["gcc", "clang"]
        found["a C compiler (gcc, or CC)"] = any(map(shutil.which, compilers))
    header = Path(sysconfig.get_paths()["include"]) / "Python.h"
    found[f"Python's headers ({header}, package python3-dev)"] = header.is_file()
    missing = [name for name, there in found.items() if not there]
    if missing:
        raise InputError(f"compile: expected {missing[0]}, found none; install it or set compile=False")


def _in_training(forward: Callable[..., object]) -> Callable[..., object]:
    """`forward`, compiled except in inference mode."""
    compiled = torch.compile(forward)

    def run(*inputs: object) -> object:
        return forward(*inputs) if torch.is_inference_mode_enabled() else compiled(*inputs)

    return run
