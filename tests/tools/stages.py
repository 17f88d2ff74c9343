"""Runs the shell stages as a user would, on tiny generated tiles."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
OPTIONS = "iterations=6 checkpoint_interval=2 validation_interval=3 crop_size=64 train_dataloader.batch_size=2"
TINY = {
    "TEACHER_OPTIONS": OPTIONS,
    "SAR_OPTIONS": OPTIONS,
    "SCALES": "1",
    "FLIPS": "none horizontal",
}


def settings(data: Path, run_dir: Path) -> dict[str, str]:
    """Environment of a stage that reads the generated tiles in `data` and writes to `run_dir`."""
    roots = {
        "OEM_ROOT": str(data / "OpenEarthMap"),
        "DFC_ROOT": str(data / "DFC2025Track1"),
        "TRUTH_ROOT": str(data / "truth"),
        "RUN_DIR": str(run_dir),
    }
    return {**os.environ, "OMP_NUM_THREADS": "1", **TINY, **roots}


def run_stage(name: str, environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """A finished call of `tools/<name>`, whatever its exit code."""
    command = ["bash", str(ROOT / "tools" / name), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
