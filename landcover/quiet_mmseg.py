"""Imports mmseg without the lines it always prints about optional parts that this project does not use.

Packages with modules that subclass or register with mmseg import this module in their `__init__`, so that whichever
of their modules comes first, mmseg arrives quietly. Everything else mmseg prints or warns about still shows.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import sys
import warnings

PRINTED_NOISE = frozenset({"Could not import OneDL"})
"""Lines printed at import: a data set type of the fork's own cloud service."""

WARNED_NOISE = r"Fail to import ``MultiScaleDeformableAttention``"
"""Start of the warning at import: a compiled operator that none of our models uses."""


def import_quietly(*names: str) -> None:
    """Imports modules by name; of what they print and warn, only the known noise is held back."""
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=WARNED_NOISE, category=UserWarning)
            for name in names:
                importlib.import_module(name)
    finally:
        kept = [line for line in printed.getvalue().splitlines(keepends=True) if line.strip() not in PRINTED_NOISE]
        sys.stdout.write("".join(kept))


# Two classes are two outputs, as any number of them is.
warnings.filterwarnings("ignore", message="For binary segmentation, we suggest using", category=UserWarning)

# albumentations, which mmseg.datasets imports, asks the package index for a newer version of itself otherwise.
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")
import_quietly("mmseg.models", "mmseg.datasets")
