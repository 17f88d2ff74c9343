"""Stages of the pipeline as a study runs them before its trainings."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from landcover.errors import InputError

ROOT = Path(__file__).parents[2]

Step = tuple[Mapping[str, str], Sequence[str]]
"""Variables that are set, and a command: bash or Python, with its arguments."""


def pipeline_variables(data: Path, made: Path) -> dict[str, str]:
    """What has the stages read demo scenes and write to `made`."""
    roots = {"OEM_ROOT": data / "OpenEarthMap", "DFC_ROOT": data / "DFC2025Track1", "TRUTH_ROOT": data / "truth"}
    return {name: str(path) for name, path in {**roots, "RUN_DIR": made}.items()}


def run_steps(made: Path, *steps: Step) -> None:
    """Runs commands in order at the top of the repository; what is finished is skipped by the commands themselves.

    Args:
        made: where they write, for messages.
        steps: see `Step`.

    Raises:
        InputError: one of them failed; the message is on the terminal.
    """
    for environment, command in steps:
        told = " ".join(command[1:3] if command[0] == "bash" else command[1:])
        print(f"our labels: {told}", flush=True)
        code = subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}).returncode
        if code:
            raise InputError(f"{made}: {told} stopped with exit code {code}; see its message above")
