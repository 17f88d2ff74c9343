import os
import time
from functools import partial
from operator import mul
from pathlib import Path

import pytest

from tools.benchmarks._measure import (
    MEBIBYTE,
    Cost,
    cpu_seconds,
    malloc_settings,
    pair_cells,
    print_result,
    take_turns,
    use_default_malloc,
)


def test_the_result_is_one_flat_json_line(capsys: pytest.CaptureFixture[str]) -> None:
    print_result({"speedup": 1.23456, "memory": 0.5})
    assert capsys.readouterr().out == '{"speedup": 1.2346, "memory": 0.5}\n'


def test_a_row_of_two_sides_has_seconds_and_mebibytes_of_both_and_their_ratios() -> None:
    plain, ours = Cost(1.5, 40 * MEBIBYTE), Cost(0.5, 30 * MEBIBYTE)
    assert pair_cells(plain, ours, digits=3) == ("1.500", "0.500", "3.00", "40", "30", "0.75")
    assert pair_cells(plain, ours, digits=2)[:2] == ("1.50", "0.50")


def test_waiting_takes_no_cpu_seconds() -> None:
    assert 0 <= cpu_seconds(partial(time.sleep, 0.2)) < 0.1


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
