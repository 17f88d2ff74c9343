"""Runs benchmarks as a user would, with the smallest sizes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def run_benchmark() -> Callable[[str, str], str]:
    """What `tools/benchmarks/<name>.py` prints, by name and options."""

    def run(name: str, options: str) -> str:
        command = [sys.executable, f"tools/benchmarks/{name}.py", *options.split()]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        call = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
        assert call.returncode == 0, call.stderr
        return call.stdout

    return run


@pytest.fixture(scope="session")
def check_agreement() -> Callable[[str, Sequence[str]], None]:
    """Checks that both sides of a step printed the same positive values of these names, and others in each step."""

    def check(printed: str, names: Sequence[str]) -> None:
        rows = re.findall(r"^step (\d), ([\w-]+) +([\d.]+) +([\d.]+)$", printed, re.MULTILINE)
        assert [row[:2] for row in rows] == [(step, name) for step in "12" for name in names]
        for step, _, plain, ours in rows:
            assert float(ours) == pytest.approx(float(plain), rel=1e-4 if step == "1" else 1e-2)
            assert float(plain) > 0
        assert rows[0][2] != rows[len(names)][2]  # the optimizer has moved the weights

    return check
