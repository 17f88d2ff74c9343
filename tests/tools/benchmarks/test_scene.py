"""The benchmark of whole scenes, at its smallest."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.images.no_data import Raster
from tools.benchmarks import scene as benchmark
from tools.benchmarks._measure import MEBIBYTE
from tools.benchmarks._scenes import write_scene
from tools.benchmarks.scene import Run, ratios


def test_ratios_compare_rates_of_all_sizes_and_memory_of_two() -> None:
    runs = {
        # 0.5 million pixels per second, 1 per CPU second
        1000: [Run(1.0, 0.5, 500 * MEBIBYTE), Run(3.0, 1.5, 700 * MEBIBYTE)],
        4000: [Run(40.0, 20.0, 600 * MEBIBYTE), Run(40.0, 20.0, 640 * MEBIBYTE)],  # 0.4, 0.8
        16000: [Run(512.0, 400.0, 800 * MEBIBYTE)],  # 0.5, 0.64
    }
    assert ratios(runs) == pytest.approx(
        {"throughput_spread": 0.36, "wall_spread": 0.2, "peak_mib": 800, "memory_growth": 800 / 640}
    )


def test_scenes_are_compressible_and_have_speckle_and_a_wedge(tmp_path: Path) -> None:
    write_scene(tmp_path / "scene.tif", 1200)
    with rasterio.open(tmp_path / "scene.tif") as file:
        image = file.read(1)
        assert file.crs.to_epsg() == 32654
    assert image.shape == (1200, 1200) and image.dtype == np.uint8
    rows, columns = np.ogrid[:1200, :1200]
    np.testing.assert_array_equal(Raster(image).no_data(), rows + columns < 150)
    assert len(np.unique(image)) > 150
    assert (tmp_path / "scene.tif").stat().st_size < 0.95 * image.nbytes
    blocks = image[:1024, :1024].reshape(2, 512, 2, 512).swapaxes(1, 2).reshape(4, -1)
    assert len({tuple(block[-1000:].tolist()) for block in blocks}) == 4


def test_sizes_come_in_rising_and_falling_order_and_the_result_is_a_json_line(
    run_main: Callable[..., tuple[int, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    order = []

    def measured(folder: Path, size: int, stride: float, seconds: float) -> Run:
        assert (folder / "model.pth").exists() and (stride, seconds) == (0.75, 30)
        order.append(size)
        return Run(size**2 / 1e6, size**2 / 2e6, 300 * MEBIBYTE)

    monkeypatch.setattr(benchmark, "in_fresh_process", measured)
    code, printed = run_main(benchmark.main, "--sizes", 512, 2048, 1024, "--window", 64)
    assert (code, order) == (0, [512, 1024, 2048, 1024, 512])
    assert re.findall(r"^(\d+) x \1 +([\d.]+) +([\d.]+) +([\d.]+) +([\d.]+) +(\d+)$", printed, re.MULTILINE) == [
        ("512", "0.3", "1.00", "0.1", "2.00", "300"),
        ("1024", "1.0", "1.00", "0.5", "2.00", "300"),
        ("2048", "4.2", "1.00", "2.1", "2.00", "300"),
    ]
    assert json.loads(printed.splitlines()[-1]) == {
        "throughput_spread": 0,
        "wall_spread": 0,
        "peak_mib": 300,
        "memory_growth": 1,
    }


def test_a_scene_is_mapped_in_a_process_of_its_own(tmp_path: Path) -> None:
    benchmark.write_model(tmp_path / "model.pth", window=128)
    run = benchmark.in_fresh_process(tmp_path, 600, stride=1.0)
    assert run.wall > 0 and run.cpu > 0 and run.peak > 100 * MEBIBYTE
    assert sorted(path.name for path in tmp_path.glob("*.tif")) == ["512.tif", "600.tif"]
