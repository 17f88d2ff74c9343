"""Pixels per second and peak memory of mapping scenes of growing size, with a tiny network.

Both should be the same for all sizes: work per pixel is constant, and memory is that of one strip of windows. Every
scene is mapped in a process of its own, after a small one that takes what happens once in a process; sizes come in
rising and then in falling order, so that a machine that becomes slower or faster meanwhile treats all alike. The last
line is a JSON object: `throughput_spread` is 1 - slowest / fastest of the sizes, `peak_mib` the peak resident memory of
the process for the largest scene, `memory_growth` that peak / the peak for a scene of a quarter of the side.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch
from mmengine.logging import MMLogger
from mmseg.registry import MODELS

from landcover.classes import OPEN_EARTH_MAP
from landcover.networks.model_file import ModelInfo, save_model
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.processes.group import Processes
from landcover.registry import register_all
from landcover.report.text_table import text_table
from tools.benchmarks._measure import MEBIBYTE, print_result, resident_bytes
from tools.benchmarks._scenes import TINY_NETWORK, write_scene

SIZES = (2048, 4096, 8192, 16384)


@dataclass(frozen=True)
class Run:
    """What mapping a scene took.

    Args:
        seconds: wall time.
        peak: largest resident memory of its process, bytes.
    """

    seconds: float
    peak: int


def main() -> None:
    """Prints a table and, last, the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="sides of the scenes, pixels")
    parser.add_argument("--window", type=int, default=256, help="side of the windows, pixels")
    parser.add_argument("--stride", type=float, default=0.75, help="step between windows as a share of the window")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes)
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; window {arguments.window}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_model(folder / "model.pth", arguments.window)
        runs: dict[int, list[Run]] = {size: [] for size in sizes}
        for size in [*sizes, *sizes[-2::-1]]:
            runs[size].append(in_fresh_process(folder, size, arguments.stride))
            print(f"{size}: {runs[size][-1].seconds:.1f} s", file=sys.stderr, flush=True)
    rows = [("scene", "s", "Mpx/s", "peak MiB")]
    for size in sizes:
        seconds = statistics.mean(run.seconds for run in runs[size])
        rows.append(
            (f"{size} x {size}", f"{seconds:.1f}", f"{size**2 / seconds / 1e6:.2f}", f"{_peak(runs[size]):.0f}")
        )
    print(f"\n{text_table(rows)}", flush=True)
    print_result(ratios(runs))


def ratios(runs: Mapping[int, Sequence[Run]]) -> dict[str, float]:
    """The JSON object, of all runs by side of the scene."""
    rates = [size**2 / statistics.mean(run.seconds for run in found) for size, found in runs.items()]
    largest = max(runs)
    quarter = min(runs, key=lambda size: abs(size - largest / 4))
    return {
        "throughput_spread": 1 - min(rates) / max(rates),
        "peak_mib": _peak(runs[largest]),
        "memory_growth": _peak(runs[largest]) / _peak(runs[quarter]),
    }


def write_model(path: Path, window: int) -> None:
    """Writes the model file of the tiny network with random weights."""
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")
    torch.manual_seed(0)
    weights = MODELS.build(TINY_NETWORK).state_dict()
    save_model(path, ModelInfo("tiny", "sar", OPEN_EARTH_MAP, window), TINY_NETWORK, weights)


def in_fresh_process(folder: Path, size: int, stride: float) -> Run:
    """Maps a scene of `size` x `size` pixels with `model.pth` of `folder`; the scene is made before."""
    for side in (512, size):
        if not (folder / f"{side}.tif").exists():
            write_scene(folder / f"{side}.tif", side)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_map, folder, size, stride).result()


def _map(folder: Path, size: int, stride: float) -> Run:
    register_all()
    processes = Processes(0, 1, torch.device("cpu"))
    seconds = 0.0
    for side in (512, size):
        out = folder / f"map_{side}.tif"
        begin = time.perf_counter()
        map_scene(folder / f"{side}.tif", [folder / "model.pth"], out, SceneSettings(stride=stride), processes)
        seconds = time.perf_counter() - begin
        out.unlink()
    return Run(seconds, resident_bytes("VmHWM"))


def _peak(runs: Sequence[Run]) -> float:
    """MiB, the largest of all runs."""
    return max(run.peak for run in runs) / MEBIBYTE


if __name__ == "__main__":
    main()
