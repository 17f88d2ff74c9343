import json
import re
from collections.abc import Callable, Sequence

import pytest
import torch

from landcover.classes import IGNORE_INDEX
from tools.benchmarks._measure import Cost
from tools.benchmarks._plain_self_training import drawn_classes
from tools.benchmarks.stage1_step import ratios


def test_speedups_are_of_every_pair_and_memory_is_of_the_largest_in_fp32() -> None:
    costs = {
        ("fp32", 256, "plain"): Cost(3.0, 100),
        ("fp32", 256, "ours"): Cost(2.0, 50),
        ("fp32", 512, "plain"): Cost(8.0, 400),
        ("fp32", 512, "ours"): Cost(2.0, 300),
        ("bf16", 512, "plain"): Cost(1.0, 10),
        ("bf16", 512, "ours"): Cost(2.0, 30),
    }
    assert ratios(costs) == {
        "speedup_fp32_256": 1.5,
        "speedup_fp32_512": 4.0,
        "speedup_bf16_512": 0.5,
        "memory_512": 0.75,
    }
    assert ratios({key: cost for key, cost in costs.items() if key[0] == "bf16"}) == {"speedup_bf16_512": 0.5}


def test_the_plain_step_draws_half_of_the_classes_of_an_image_and_never_void() -> None:
    labels = torch.tensor([[0, 3, 3], [5, IGNORE_INDEX, 0]])
    draws = {tuple(drawn_classes(labels).sort().values.tolist()) for _ in range(60)}
    assert draws == {(0, 3), (0, 5), (3, 5)}
    assert drawn_classes(torch.full((2, 2), IGNORE_INDEX)).tolist() == []


@pytest.fixture(scope="module")
def miniature(run_benchmark: Callable[[str, str], str]) -> str:
    """What a run of the smallest size prints."""
    options = "--sizes 64 --dtypes fp32 --batch 1 --repeats 1 --threads 1 --tiles 3 --tile 96 --crops 64"
    return run_benchmark("stage1_step", options)


def test_a_run_ends_in_a_json_line_of_ratios(miniature: str) -> None:
    result = json.loads(miniature.splitlines()[-1])
    assert list(result) == ["speedup_fp32_64", "memory_64"]
    assert all(value > 0 for value in result.values())


def test_both_sides_compute_the_same(miniature: str, check_agreement: Callable[[str, Sequence[str]], None]) -> None:
    check_agreement(miniature, ["source", "mix", "confident"])


def test_a_run_tells_what_the_loader_gives(miniature: str) -> None:
    rows = dict(re.findall(r"^crop 64, (decoded anew|kept decoded) +([\d.]+) ", miniature, re.MULTILINE))
    assert list(rows) == ["decoded anew", "kept decoded"]
    assert all(float(rate) > 0 for rate in rows.values())
