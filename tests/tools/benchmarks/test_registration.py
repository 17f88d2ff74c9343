"""The benchmark of registration, at its smallest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
import torch

from tools.benchmarks import registration as benchmark
from tools.benchmarks._measure import Build, Cost
from tools.benchmarks._plain_correlation import direct_sum


def test_the_direct_sum_is_the_coefficient_of_every_place() -> None:
    template = torch.tensor([[[[0.0, 1.0], [1.0, 0.0]]]], dtype=torch.float64)
    window = torch.tensor([[[[5.0, 7.0, 5.0, 5.0], [7.0, 5.0, 7.0, 5.0]]]], dtype=torch.float64)
    expected = torch.tensor([[[1.0, -1.0, 1 / 3**0.5]]], dtype=torch.float64)
    torch.testing.assert_close(direct_sum(template, window), expected)
    assert torch.equal(direct_sum(template, torch.full_like(window, 2.0)), torch.zeros_like(expected))


def test_the_pair_lies_one_to_three_pixels_off() -> None:
    sar, optical, offset = benchmark.demo_pair(64)
    assert sar.pixels.shape == (64, 64) and optical.pixels.shape == (64, 64, 3)
    assert 1 <= (offset[0] ** 2 + offset[1] ** 2) ** 0.5 <= 3


def test_both_sides_agree() -> None:
    assert 0 < benchmark.difference(2, 24, 36) < benchmark.TOLERANCE


def test_the_result_is_a_json_line_of_both_keys(
    run_main: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = {"descriptor": 2.5, "phase": 1.0, "direct sum": 3.0, "ours": 0.06}

    def turns(builds: dict[str, Build], repeats: int) -> dict[str, Cost]:
        assert repeats == 7
        assert all(build()() is not None for build in builds.values())  # every side runs
        return {side: Cost(seconds[side], 0) for side in builds}

    monkeypatch.setattr(benchmark, "take_turns", turns)
    sizes = ["--tile", 128, "--patch", 24, "--search", 6, "--channels", 2]
    code, printed = run_main(benchmark.main, *sizes, "--threads", torch.get_num_threads(), "--repeats", 7)
    assert code == 0 and "patch 24 in 36, 2 channels" in printed
    assert re.findall(r"^(descriptor|phase) +([\d.]+) +[\d.]+ +[\d.]+ +\w+", printed, re.MULTILINE) == [
        ("descriptor", "2.50"),
        ("phase", "1.00"),
    ]
    assert json.loads(printed.splitlines()[-1]) == {"seconds_per_pair": 2.5, "fft_speedup": 50.0}


def test_coefficients_that_differ_are_not_timed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "_time_pairs", lambda arguments: 1.0)
    monkeypatch.setattr(benchmark, "difference", lambda *sizes: 2e-4)
    monkeypatch.setattr("sys.argv", ["registration"])
    with pytest.raises(SystemExit, match=r"differ by 2\.0e-04 from the direct sum"):
        benchmark.main()
