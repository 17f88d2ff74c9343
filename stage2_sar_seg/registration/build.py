"""A matcher by its name, or from the file of a trained one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

import stage2_sar_seg.registration.descriptor
import stage2_sar_seg.registration.phase  # noqa: F401  both register
from landcover.errors import InputError
from landcover.networks.model_pack import PACK_SUFFIX
from stage2_sar_seg.registration.matcher import MATCHERS, Matcher

MODEL_SUFFIXES = (".pth", PACK_SUFFIX)
"""Of model files, and of packs of them."""


def build_matcher(name: str, device: torch.device, variable: str = "REGISTER", **settings: Any) -> Matcher:
    """The matcher registered as `name`, or that of the model file of this path.

    Args:
        name: `phase`, `descriptor`, a name that a module of PLUGINS registers, or a path that ends with one of
            `MODEL_SUFFIXES`.
        device: where a trained matcher computes.
        variable: of the profile that names it, for the message.
        settings: arguments of a registered matcher in place of its defaults.

    Raises:
        InputError: there is no such matcher, the file is none of a matcher, or it takes no such settings.
    """
    if name.endswith(MODEL_SUFFIXES):
        if settings:
            raise InputError(
                f"{variable}: {name} brings its settings along, found others ({', '.join(settings)}); leave them out"
            )
        from stage2_sar_seg.registration.model_file import read_matcher

        return read_matcher(Path(name), device)
    found = MATCHERS.get(name)
    if found is None:
        known = ", ".join(["none", *sorted(MATCHERS.module_dict)])
        raise InputError(
            f"{variable}: expected one of {known} or the model file of a matcher (*{' or *'.join(MODEL_SUFFIXES)}), "
            f"found {name!r}; correct it, or name the Python module that registers it in PLUGINS"
        )
    try:
        matcher: Matcher = found(**settings)
    except TypeError as error:
        raise InputError(f"{variable}: {name} does not take these settings ({error}); correct them") from error
    return matcher
