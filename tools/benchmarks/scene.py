"""Pixels per second and peak memory of mapping scenes of growing size, with a tiny network.

Both should be the same for all sizes: work per pixel is constant, and memory is that of one strip of windows. What is
timed is `map_scene`, all that `tools/map_scene.sh` does but starting Python: digests, the search for no data, windows,
parts on disk, the cloud-optimised file and its check. Every scene is mapped in a process of its own, after a small one
that takes what happens once in a process, and again until `--seconds` have gone; sizes come in rising and then in
falling order, so that a machine that becomes slower or faster meanwhile treats all alike.

On a machine with other work, wall time says more about that than about us. Beside it stands CPU time in user and system
mode, of the process and those that it started. Windows of a pixel differ by size too, most for scenes of few windows,
whose last row and column is moved back, and for those that are cut into strips.

The last line is a JSON object: `throughput_spread` is 1 - slowest / fastest of the sizes in pixels per CPU second,
`wall_spread` likewise in pixels per second; `peak_mib` the peak resident memory of the process for the largest scene,
`memory_growth` that peak / the peak for a scene of a quarter of the side.
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
from typing import Literal

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

SMALL = 512
"""Side of the scene that is mapped before, pixels."""


@dataclass(frozen=True)
class Run:
    """What mapping a scene took.

    Args:
        wall: seconds.
        cpu: seconds in user and system mode, of all threads and processes.
        peak: largest resident memory of its process, bytes.
    """

    wall: float
    cpu: float
    peak: int


def main() -> None:
    """Prints a table and, last, the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=SIZES, help="sides of the scenes, pixels")
    parser.add_argument("--window", type=int, default=256, help="side of the windows, pixels")
    parser.add_argument("--stride", type=float, default=0.75, help="step between windows as a share of the window")
    parser.add_argument("--seconds", type=float, default=30, help="how long a scene is mapped again, at least once")
    arguments = parser.parse_args()
    sizes = sorted(arguments.sizes)
    print(f"{os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}; window {arguments.window}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_model(folder / "model.pth", arguments.window)
        runs: dict[int, list[Run]] = {size: [] for size in sizes}
        for size in [*sizes, *sizes[-2::-1]]:
            runs[size].append(in_fresh_process(folder, size, arguments.stride, arguments.seconds))
            print(f"{size}: {runs[size][-1].wall:.1f} s", file=sys.stderr, flush=True)
    heads = ("scene", "wall s", "Mpx/s", "CPU s", "Mpx/CPU s", "peak MiB")
    print(f"\n{text_table([heads, *(_row(size, found) for size, found in runs.items())])}", flush=True)
    print_result(ratios(runs))


def ratios(runs: Mapping[int, Sequence[Run]]) -> dict[str, float]:
    """The JSON object, of all runs by side of the scene."""
    wall, cpu = ([_rate(size, found, kind) for size, found in runs.items()] for kind in ("wall", "cpu"))
    largest = max(runs)
    quarter = min(runs, key=lambda size: abs(size - largest / 4))
    return {
        "throughput_spread": 1 - min(cpu) / max(cpu),
        "wall_spread": 1 - min(wall) / max(wall),
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


def in_fresh_process(folder: Path, size: int, stride: float, seconds: float = 0.0) -> Run:
    """Maps a scene of `size` x `size` pixels with `model.pth` of `folder`; the scene is made before.

    Args:
        folder: holds scenes and maps too.
        size: pixels.
        stride: step between windows as a share of the window.
        seconds: the scene is mapped again until this time has gone; its costs are the means.
    """
    for side in (SMALL, size):
        if not (folder / f"{side}.tif").exists():
            write_scene(folder / f"{side}.tif", side)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(_map_again, folder, size, stride, seconds).result()


def _map_again(folder: Path, size: int, stride: float, seconds: float) -> Run:
    register_all()
    _map(folder, SMALL, stride)
    begin, cpu, count = time.perf_counter(), _cpu(), 0
    while not count or time.perf_counter() - begin < seconds:
        _map(folder, size, stride)
        count += 1
    return Run((time.perf_counter() - begin) / count, (_cpu() - cpu) / count, resident_bytes("VmHWM"))


def _map(folder: Path, side: int, stride: float) -> None:
    out, processes = folder / f"map_{side}.tif", Processes(0, 1, torch.device("cpu"))
    settings = SceneSettings(stride=stride)
    map_scene(folder / f"{side}.tif", [folder / "model.pth"], out, settings, processes, quiet=True)
    out.unlink()


def _cpu() -> float:
    """Seconds of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _rate(size: int, runs: Sequence[Run], kind: Literal["wall", "cpu"]) -> float:
    """Million pixels per second."""
    return size**2 / 1e6 / statistics.mean(getattr(run, kind) for run in runs)


def _row(size: int, runs: Sequence[Run]) -> tuple[str, ...]:
    wall, cpu = (_rate(size, runs, kind) for kind in ("wall", "cpu"))
    pixels = size**2 / 1e6
    return (
        f"{size} x {size}",
        *(f"{pixels / wall:.1f}", f"{wall:.2f}", f"{pixels / cpu:.1f}", f"{cpu:.2f}"),
        f"{_peak(runs):.0f}",
    )


def _peak(runs: Sequence[Run]) -> float:
    """MiB, the largest of all runs."""
    return max(run.peak for run in runs) / MEBIBYTE


if __name__ == "__main__":
    main()
