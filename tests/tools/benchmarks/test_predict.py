import json
import re
import sys
from collections.abc import Callable

import pytest

from tools.benchmarks._measure import Cost
from tools.benchmarks.predict import main, ratios


def test_ratios_are_of_every_type_and_memory_is_of_the_first() -> None:
    costs = {
        ("fp32", "plain"): Cost(3.0, 100),
        ("fp32", "ours"): Cost(1.5, 40),
        ("bf16", "plain"): Cost(2.0, 10),
        ("bf16", "ours"): Cost(0.5, 20),
    }
    assert ratios(costs, {"fp32": 1e-6, "bf16": 1e-3}) == {
        "speedup_fp32": 2.0,
        "speedup_bf16": 4.0,
        "memory": 0.4,
        "max_diff_fp32": 1e-6,
        "max_diff_bf16": 1e-3,
    }


def test_sizes_that_only_we_pad_are_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["predict.py", "--tile", "75", "--window", "64", "--scales", "1", "0.6"])
    with pytest.raises(SystemExit):
        main()
    assert "windows of 45 pixels are padded to a multiple of 32 by us and not by mmseg" in capsys.readouterr().err


@pytest.fixture(scope="module")
def miniature(run_benchmark: Callable[[str, str], str]) -> str:
    """What a run of the smallest size prints."""
    options = "--tile 80 --window 64 --scales 0.4 1 1.5 --flips none both --repeats 1 --threads 1"
    return run_benchmark("predict", options)


def test_both_sides_predict_the_same(miniature: str) -> None:
    result = json.loads(miniature.splitlines()[-1])
    assert list(result) == ["speedup_fp32", "speedup_bf16", "memory", "max_diff_fp32", "max_diff_bf16"]
    assert 0 < result["max_diff_fp32"] <= 1e-4
    assert 1e-4 < result["max_diff_bf16"] <= 1e-2
    assert result["speedup_fp32"] > 0 and result["speedup_bf16"] > 0


def test_a_table_shows_both_sides(miniature: str) -> None:
    assert "tile 80, window 64, 6 views" in miniature.splitlines()[0]
    rows = re.findall(r"^(fp32|bf16) +[\d.]+ +[\d.]+ +[\d.]+ +\d+ +\d+ +[\d.]+ +[\d.e-]+$", miniature, re.MULTILINE)
    assert rows == ["fp32", "bf16"]
