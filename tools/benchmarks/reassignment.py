"""Time and memory of reassigning the labels of one tile (REASSIGN=ot), score files read and superpixels found.

Score files are made up (`tools/benchmarks/_score_fields.py`), as many as there are teachers; the image shows the true
classes with noise. One thread. Beside other work (the first line tells the load) times are longer. The last line is a
JSON object: `seconds` of a tile, `mebibytes` by which its memory rose.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

# Run as a script, `ensemble.py` beside this file would be taken for the package `ensemble`.
if __package__ is None:
    sys.path.pop(0)

from landcover.data_sets.dfc2025 import SarTile
from landcover.images.raster import write_raster
from landcover.labels.label_filter import FilterMaterial
from landcover.processes.group import Processes
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import FINISHED
from stage1_optical_da.label_reassignment.transported_labels import TransportedLabels
from tools.benchmarks._measure import MEBIBYTE, Call, print_result, take_turns
from tools.benchmarks._score_fields import field_codes, true_labels, write_member

TILE = "tile"


def main() -> None:
    """Prints what was measured and, last, the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=1024, help="of the tile in pixels, a multiple of 4")
    parser.add_argument("--teachers", type=int, default=4, help="score files of the tile")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls")
    arguments = parser.parse_args()
    print(
        f"CPU, 1 thread; torch {torch.__version__}; {arguments.side}x{arguments.side} pixels, {arguments.teachers} "
        f"teachers; load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    with tempfile.TemporaryDirectory() as folder:
        write_inputs(Path(folder), arguments.side, arguments.teachers)
        prepare = functools.partial(build, Path(folder), arguments.side, arguments.teachers)
        cost = take_turns({"ours": prepare}, arguments.repeats)["ours"]
    print_result({"seconds": cost.seconds, "mebibytes": cost.memory / MEBIBYTE})


def write_inputs(folder: Path, side: int, teachers: int) -> None:
    """Score files of a tile in a folder for each teacher, and its image."""
    for member in range(teachers):
        write_member(folder / f"{member}", field_codes(0, member, side, "probability"), TILE, "probability")
        write_json(folder / f"{member}" / FINISHED, {})
    noise = np.random.default_rng(0).integers(0, 20, (side, side, 3), dtype=np.uint8)
    write_raster(folder / f"{TILE}.tif", cv2.merge([true_labels(0, side) * np.uint8(25)] * 3) + noise)


def build(folder: Path, side: int, teachers: int) -> Call:
    """Reassigns the labels of the tile, a fifth of which is unknown."""
    torch.set_num_threads(1)
    labels = np.where(np.random.default_rng(1).random((side, side)) < 0.2, np.uint8(0), true_labels(0, side))
    tile = SarTile(TILE, folder / f"{TILE}.tif", folder / f"{TILE}.tif", None)
    scores = {f"{member}": folder / f"{member}" for member in range(teachers)}
    material = FilterMaterial([tile], scores, 0, Processes(0, 1, torch.device("cpu")))
    return functools.partial(TransportedLabels(material=material).apply, TILE, labels)


if __name__ == "__main__":
    main()
