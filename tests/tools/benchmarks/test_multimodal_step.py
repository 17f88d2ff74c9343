import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.benchmarks._measure import Cost
from tools.benchmarks.multimodal_step import CONFIG, ratios


def test_the_ratios_are_of_both_networks_together_to_the_sum_of_each() -> None:
    costs = {"optical": Cost(1.0, 300), "sar": Cost(3.0, 100), "together": Cost(5.0, 200)}
    assert ratios(costs) == pytest.approx({"ratio": 1.25, "memory": 0.5})


def test_a_run_ends_in_a_json_line_of_ratios(run_benchmark: Callable[[str, str], str], tmp_path: Path) -> None:
    config = tmp_path / "model.py"
    config.write_text(f"_base_ = {str(CONFIG)!r}\ncrop_size = 64\n")
    words = f"--config {config} --batch 2 --repeats 1 --threads 1 --tiles 4 --tile 96 --option multimodal.cross.cell=2"
    printed = run_benchmark("multimodal_step", words)
    result = json.loads(printed.splitlines()[-1])
    assert list(result) == ["ratio", "memory"] and all(value > 0 for value in result.values())
    assert "model; batch 2, 64 px" in printed
