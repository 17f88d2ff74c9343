"""A stand-in for Slurm's sbatch."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from stages import ROOT, settings

Submit = Callable[..., tuple[subprocess.CompletedProcess[str], list[list[str]]]]

SBATCH = """#!/bin/sh
printf '%s\\n' "$@" "GPUS=$GPUS LAUNCHER=$LAUNCHER SLURM_OPTIONS=$SLURM_OPTIONS" end >>"$SUBMITTED"
echo "$(grep -c '^end$' "$SUBMITTED");cluster"
"""


@pytest.fixture
def submit(tmp_path: Path) -> Submit:
    """Calls a script of tools/slurm: the call, and for every job what sbatch got, its environment last."""
    fake, submitted = tmp_path / "bin" / "sbatch", tmp_path / "submitted"
    fake.parent.mkdir()
    fake.write_text(SBATCH)
    fake.chmod(0o755)

    def call(script: str, *words: object, environment: Mapping[str, str] = {}) -> tuple:
        given = {**settings(tmp_path / "data", tmp_path / "my run"), **environment, "SUBMITTED": str(submitted)}
        given["PATH"] = f"{fake.parent}:{os.environ['PATH']}"
        command = ["bash", str(ROOT / "tools" / "slurm" / script), *map(str, words)]
        done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)
        jobs = submitted.read_text().split("\nend\n")[:-1] if submitted.exists() else []
        return done, [job.splitlines() for job in jobs]

    return call


@pytest.fixture
def words_of_job() -> Callable[..., list[str]]:
    """The words that bash gets from the command of a job, in an environment of its own."""

    def run(job: list[str], **environment: str) -> list[str]:
        program = f"bash() {{ printf '%s\\n' \"$@\"; }}\n{job[job.index('--wrap') + 1]}"
        call = subprocess.run(["sh", "-c", program], env=environment, capture_output=True, text=True, check=True)
        return call.stdout.splitlines()

    return run
