"""Matchers from model files."""

from __future__ import annotations

from pathlib import Path

import torch

from landcover.errors import InputError
from landcover.networks.model_file import load_model
from landcover.registry import register_all
from landcover.run_files.manifest import digest
from stage2_sar_seg.registration.matcher import Matcher
from stage2_sar_seg.registration.s2m2.matcher import S2M2Matcher
from stage2_sar_seg.registration.s2m2.network import S2M2Network


def read_matcher(path: Path, device: torch.device | None = None) -> Matcher:
    """The matcher that `stage2_sar_seg.registration.train` has written to a model file.

    Args:
        path: the file.
        device: where it computes; None for the CPU.

    Raises:
        InputError: no such file, not one of this project, or of a network that is no matcher.
    """
    register_all()
    network, info = load_model(path, device or torch.device("cpu"))
    if not isinstance(network, S2M2Network):
        raise InputError(
            f"{path}: expected a matcher, found a land-cover model ({info.name}); train one with "
            "python -m stage2_sar_seg.registration.train"
        )
    return S2M2Matcher(network, info.window, digest(path))
