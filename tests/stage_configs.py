"""The configs of both stages and of matchers, and which of them take an option that a text names."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.training.config import Stage, load_config

ROOT = Path(__file__).parents[1]
FOLDERS: dict[Stage, str] = {1: "stage1", 2: "stage2", "registration": "registration"}
CONFIGS = {stage: sorted((ROOT / "configs" / folder).glob("*.py")) for stage, folder in FOLDERS.items()}


DEFAULTS: dict[Stage, Path] = {2: ROOT / "configs" / "_base_" / "multimodal" / "dllr.py"}
"""Of keys that only some trainings of a stage have."""


def refusals(option: str) -> dict[Stage, str]:
    """The message of every stage of whose configs not all take the option; of all if nobody takes it."""
    refused: dict[Stage, str] = {}
    for stage, paths in CONFIGS.items():
        try:
            assert all(load_config(path, [option], defaults=DEFAULTS.get(stage)) for path in paths)
        except InputError as error:
            refused[stage] = str(error)
    return refused
