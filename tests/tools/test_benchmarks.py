import json
import os
import re
import subprocess
import sys
from functools import partial
from operator import mul
from pathlib import Path

import pytest
import torch

from landcover.classes import IGNORE_INDEX
from tools.benchmarks._measure import Cost, malloc_settings, print_result, table, take_turns, use_default_malloc
from tools.benchmarks._plain_self_training import drawn_classes
from tools.benchmarks.stage1_step import disagreement, ratios

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024**2


def test_a_table_has_its_first_column_on_the_left_and_the_others_on_the_right() -> None:
    rows = [("step", "plain s", "ours s"), ("fp32, 256 px", "1.25", "0.5")]
    assert table(rows) == "step          plain s  ours s\nfp32, 256 px     1.25     0.5"


def test_the_result_is_one_flat_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_result({"speedup": 1.23456, "memory": 0.5})
    assert capsys.readouterr().out == '{"speedup": 1.2346, "memory": 0.5}\n'


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


def test_the_first_step_must_agree_closely_and_the_second_roughly() -> None:
    values = [("source 1", 2.0, 2.0001), ("mix 1", 2.0, 2.0003), ("confident 1", 0.5, 0.5)]
    values += [("source 2", 2.0, 2.01), ("mix 2", 2.0, 1.97), ("confident 2", 0.5, float("nan"))]
    assert disagreement(values) == ["mix 1", "mix 2", "confident 2"]


def test_sides_are_called_in_turns_and_the_order_is_reversed_every_round(tmp_path: Path) -> None:
    log = tmp_path / "log"
    builds = {name: partial(partial, os.system, f"echo {name} >>{log}; sleep {wait}") for name, wait in TURNS}
    costs = take_turns(builds, repeats=3, warm_up=1)
    assert log.read_text().split() == ["b", "a", "a", "b", "b", "a", "a", "b"]
    assert list(costs) == ["a", "b"]
    assert costs["b"].seconds >= 0.05


TURNS = (("a", 0), ("b", 0.05))


def test_memory_is_what_the_calls_add_to_what_was_held_before_them() -> None:
    builds = {name: partial(partial, mul, b"x", size * MEBIBYTE) for name, size in (("small", 0), ("large", 64))}
    costs = take_turns(builds, repeats=2)
    assert costs["small"].memory < 8 * MEBIBYTE
    assert costs["large"].memory == pytest.approx(64 * MEBIBYTE, abs=8 * MEBIBYTE)


@pytest.mark.parametrize("build", [partial(int, "x"), partial(partial, int, "x")])
def test_a_side_that_fails_is_named_with_its_traceback(build: partial) -> None:
    with pytest.raises(RuntimeError, match=r"(?s)^broken:\nTraceback.*ValueError: invalid literal"):
        take_turns({"broken": build}, repeats=1)


def test_a_side_whose_process_ends_is_named_with_its_exit_code() -> None:
    with pytest.raises(RuntimeError, match=r"^ended: its process ended with exit code 3$"):
        take_turns({"ended": partial(partial, os._exit, 3)}, repeats=1)


def test_allocator_settings_are_told_and_can_be_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("MALLOC_")]:
        monkeypatch.delenv(name)
    assert malloc_settings() == "glibc's default"
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "7")
    monkeypatch.setenv("MALLOC_ARENA_MAX", "2")
    assert malloc_settings() == "MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=7"
    use_default_malloc()
    assert malloc_settings() == "glibc's default"


def test_the_plain_step_draws_half_of_the_classes_of_an_image_and_never_void() -> None:
    labels = torch.tensor([[0, 3, 3], [5, IGNORE_INDEX, 0]])
    draws = {tuple(drawn_classes(labels).sort().values.tolist()) for _ in range(60)}
    assert draws == {(0, 3), (0, 5), (3, 5)}
    assert drawn_classes(torch.full((2, 2), IGNORE_INDEX)).tolist() == []


@pytest.fixture(scope="module")
def miniature() -> str:
    """What a run of the smallest size prints."""
    options = "--sizes 64 --dtypes fp32 --batch 1 --repeats 1 --threads 1 --tiles 3 --tile 96 --crops 64"
    command = [sys.executable, "tools/benchmarks/stage1_step.py", *options.split()]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    call = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert call.returncode == 0, call.stderr
    return call.stdout


def test_a_run_ends_in_a_json_line_of_ratios(miniature: str) -> None:
    result = json.loads(miniature.splitlines()[-1])
    assert list(result) == ["speedup_fp32_64", "memory_64"]
    assert all(value > 0 for value in result.values())


def test_both_sides_of_the_step_compute_the_same_losses(miniature: str) -> None:
    rows = re.findall(r"^step (\d), (\w+) +([\d.]+) +([\d.]+)$", miniature, re.MULTILINE)
    assert [row[:2] for row in rows] == [(step, name) for step in "12" for name in ("source", "mix", "confident")]
    for step, _, plain, ours in rows:
        assert float(ours) == pytest.approx(float(plain), rel=1e-4 if step == "1" else 1e-2)
        assert float(plain) > 0
    first, second = float(rows[0][2]), float(rows[3][2])
    assert first != second  # the optimizer has moved the student


def test_a_run_tells_what_the_loader_gives(miniature: str) -> None:
    rows = dict(re.findall(r"^crop 64, (decoded anew|kept decoded) +([\d.]+) ", miniature, re.MULTILINE))
    assert list(rows) == ["decoded anew", "kept decoded"]
    assert all(float(rate) > 0 for rate in rows.values())
