"""The configs of both stages, and which of them take an option that a text names."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.training.config import load_config

ROOT = Path(__file__).parents[1]
CONFIGS = {stage: sorted((ROOT / "configs" / f"stage{stage}").glob("*.py")) for stage in (1, 2)}


def refusals(option: str) -> dict[int, str]:
    """The message of every stage of whose configs not all take the option."""
    refused: dict[int, str] = {}
    for stage, paths in CONFIGS.items():
        try:
            assert all(load_config(path, [option]) for path in paths)
        except InputError as error:
            refused[stage] = str(error)
    return refused
