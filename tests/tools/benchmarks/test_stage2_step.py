from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import pytest
import torch

from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from tools.benchmarks._measure import Cost
from tools.benchmarks._plain_sar_losses import PlainReverseCrossEntropy
from tools.benchmarks.stage2_step import ratios


def test_speedups_are_of_every_type_and_memory_is_of_the_first() -> None:
    costs = {
        ("fp32", 64, "plain"): Cost(3.0, 100),
        ("fp32", 64, "ours"): Cost(1.5, 75),
        ("bf16", 64, "plain"): Cost(1.0, 10),
        ("bf16", 64, "ours"): Cost(2.0, 30),
    }
    assert ratios(costs) == {"speedup_fp32": 2.0, "speedup_bf16": 0.5, "memory": 0.75}


def test_the_plain_reverse_term_is_the_one_of_the_paper() -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels = torch.randint(0, 3, (2, 4, 5), generator=torch.Generator().manual_seed(1))
    labels[0, :2] = 255
    ours = SymmetricCrossEntropy(alpha=0.0, beta=1.0, log_zero=-4.0)(logits, labels)
    # Its logarithm of 1 is 0 and its one-hot labels are float32.
    assert PlainReverseCrossEntropy(-4.0)(logits, labels).item() == pytest.approx(ours.item(), rel=1e-6)


@pytest.fixture(scope="module")
def miniature(run_benchmark: Callable[[str, str], str]) -> str:
    """What a run of a small size prints."""
    return run_benchmark("stage2_step", "--size 64 --dtypes fp32 bf16 --batch 1 --repeats 1 --threads 1")


def test_a_run_ends_in_a_json_line_of_ratios(miniature: str) -> None:
    result = json.loads(miniature.splitlines()[-1])
    assert list(result) == ["speedup_fp32", "speedup_bf16", "memory"]
    assert all(value > 0 for value in result.values())


def test_both_sides_compute_the_same(miniature: str, check_agreement: Callable[[str, Sequence[str]], None]) -> None:
    check_agreement(miniature, ["cross-entropies", "Lovasz"])
