from __future__ import annotations

import json
import math
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from tools.benchmarks._measure import Cost
from tools.benchmarks._plain_sar_losses import PlainReverseCrossEntropy
from tools.benchmarks.stage2_step import disagreement, ratios

ROOT = Path(__file__).parents[2]


def test_speedups_are_of_every_type_and_memory_is_of_the_first() -> None:
    costs = {
        ("fp32", "plain"): Cost(3.0, 100),
        ("fp32", "ours"): Cost(1.5, 75),
        ("bf16", "plain"): Cost(1.0, 10),
        ("bf16", "ours"): Cost(2.0, 30),
    }
    assert ratios(costs) == {"speedup_fp32": 2.0, "speedup_bf16": 0.5, "memory": 0.75}


def test_the_first_step_must_agree_closely_and_the_second_roughly() -> None:
    values = [("ce 1", 2.0, 2.0001), ("Lovasz 1", 0.9, 0.9002), ("ce 2", 2.0, 2.01), ("Lovasz 2", 0.9, math.nan)]
    assert disagreement(values) == ["Lovasz 1", "Lovasz 2"]


def test_the_plain_reverse_term_is_the_one_of_the_paper() -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(1))
    labels[0, :2] = 255
    ours = SymmetricCrossEntropy(alpha=0.0, beta=1.0, log_zero=-4.0)(logits, labels)
    # Its logarithm of 1 is 0 and its one-hot labels are float32.
    assert PlainReverseCrossEntropy(-4.0)(logits, labels).item() == pytest.approx(ours.item(), rel=1e-6)


@pytest.fixture(scope="module")
def miniature() -> str:
    """What a run of a small size prints."""
    options = "--size 64 --dtypes fp32 bf16 --batch 1 --repeats 1 --threads 1"
    command = [sys.executable, "tools/benchmarks/stage2_step.py", *options.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=600)
    assert call.returncode == 0, call.stderr
    return call.stdout


def test_a_run_ends_in_a_json_line_of_ratios(miniature: str) -> None:
    result = json.loads(miniature.splitlines()[-1])
    assert list(result) == ["speedup_fp32", "speedup_bf16", "memory"]
    assert all(value > 0 for value in result.values())


def test_both_sides_compute_the_same_losses(miniature: str) -> None:
    rows = re.findall(r"^step (\d), ([\w-]+) +([\d.]+) +([\d.]+)$", miniature, re.MULTILINE)
    assert [row[:2] for row in rows] == [(step, name) for step in "12" for name in ("cross-entropies", "Lovasz")]
    for step, _, plain, ours in rows:
        assert float(ours) == pytest.approx(float(plain), rel=1e-4 if step == "1" else 1e-2)
        assert float(plain) > 0
    assert rows[0][2] != rows[2][2]  # the optimizer has moved the weights
