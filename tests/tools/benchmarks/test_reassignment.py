from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from landcover.images.raster import read_optical
from tools.benchmarks.reassignment import TILE, build, write_inputs


def test_what_is_timed_gives_most_unknown_pixels_of_the_tile_a_label(tmp_path: Path) -> None:
    write_inputs(tmp_path, 64, 2)
    assert read_optical(tmp_path / f"{TILE}.tif").pixels.shape == (64, 64, 3)
    found = build(tmp_path, 64, 2)()
    assert found.shape == (64, 64) and (found > 0).mean() > 0.9


def test_the_last_line_tells_time_and_memory_of_a_tile(run_benchmark: Callable[[str, str], str]) -> None:
    result = json.loads(run_benchmark("reassignment", "--side 64 --teachers 1 --repeats 1").splitlines()[-1])
    assert list(result) == ["seconds", "mebibytes"]
    assert 0 < result["seconds"] < 60
