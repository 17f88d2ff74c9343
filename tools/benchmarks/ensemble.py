"""CPU time and memory of averaging 4 models, from score files to label PNGs, ours and the plain way.

The plain way loads raw uint8 arrays (`np.load`), adds copies of them as int32, takes `np.argmax` and writes one PNG per
tile with Pillow's defaults; `lean` adds into one int32 array instead. Ours reads its compressed score files, decoding
included. Both get the same codes, those of `--scores` or else made up as `_score_fields` tells, and their label maps
are compared before anything is timed. The made-up scenes hold every class in every part, so that all files are decoded;
where a class is far from winning in a whole 256x256 tile, as it often is on real ones, its tiles are not.

A second table begins with the models' probabilities: the plain way writes and reads its arrays, ours its score files,
and `ours, accumulated` adds as models predict (`ScoreSum`), without files.

Times are CPU seconds of all threads, medians; memory is by how much the calls raise the peak of the process. The last
line is a JSON object: `cpu_speedup` and `cpu_speedup_lean` are plain / ours from files, `cpu_speedup_accumulated` is
plain / ours from probabilities, `memory` is ours / plain, `bytes` our files / the raw arrays, and `decoded` the share
of their tiles that was decoded.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Run as a script, this file would be taken for the package `ensemble`.
if __package__ is None:
    sys.path.pop(0)

from ensemble.average import average_labels
from ensemble.members import check_members, find_members
from ensemble.score_sum import ScoreSum
from ensemble.submission import write_label_png
from ensemble.weights import tile_weights
from landcover.classes import OPEN_EARTH_MAP
from landcover.report.text_table import text_table
from landcover.score_files.score_file import ScoreFile, decode, encode, read_scores
from tools.benchmarks._measure import Build, Call, Cost, cpu_seconds, malloc_settings, print_result, take_turns
from tools.benchmarks._score_fields import probabilities, true_labels, write_member

MEMBERS = 4
KEPT = "probabilities"
PLAIN, LEAN, OURS, ACCUMULATED = "plain", "plain, lean", "ours", "ours, accumulated"

Labels = NDArray[np.uint8]


def main() -> None:
    """Prints two tables and, last, the JSON object."""
    arguments = _arguments()
    print(f"malloc: {malloc_settings()}; load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if arguments.scores:
            copy_inputs(folder, arguments.scores)
        else:
            write_inputs(folder, arguments.tiles, arguments.side)
        tiles = sorted(path.stem for path in (folder / "0").glob("*.npy"))
        print(f"{len(_members(folder))} models, {len(tiles)} tiles, {_bytes(folder, '*.npy') / 2**20:.0f} MiB of codes")
        different = [tile for tile in tiles if not same_labels(folder, tile)]
        if different:
            sys.exit(f"error: the label maps of tiles {different} differ, times say nothing")
        ratios = {"bytes": _bytes(folder, "*.tif") / _bytes(folder, "*.npy"), "decoded": decoded_share(folder)}
        print(f"our files take {ratios['bytes']:.2f} of the raw bytes; {ratios['decoded']:.0%} of their tiles decoded")
        sides: dict[str, Callable[[Path], Call]] = {PLAIN: build_plain, LEAN: build_lean, OURS: build_ours}
        builds = {name: functools.partial(_counted, name, build, folder) for name, build in sides.items()}
        files, memory = _measure(builds, folder, arguments.repeats)
        _print_table("from files", files, memory, len(tiles))
        sides = {PLAIN: build_plain_writing, OURS: build_ours_writing, ACCUMULATED: build_accumulating}
        builds = {name: functools.partial(_counted, name, build, folder) for name, build in sides.items()}
        models, its_memory = _measure(builds, folder, arguments.repeats)
        _print_table("from probabilities", models, its_memory, 1)
    print_result(
        {
            "cpu_speedup": files[PLAIN] / files[OURS],
            "cpu_speedup_lean": files[LEAN] / files[OURS],
            "cpu_speedup_accumulated": models[PLAIN] / models[ACCUMULATED],
            "memory": memory[OURS].memory / memory[PLAIN].memory,
            **ratios,
        }
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, help="folder with one folder of score files per model; default: made up")
    parser.add_argument("--tiles", type=int, default=16, help="made-up tiles, averaged in one timed call")
    parser.add_argument("--side", type=int, default=1024, help="side of the made-up tiles, pixels")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls of each side")
    return parser.parse_args()


def write_inputs(folder: Path, tiles: int, side: int) -> None:
    """Writes the codes of every model and tile, raw and as score file, and the probabilities of the first tile."""
    for tile in range(tiles):
        labels = true_labels(tile, side)
        for member in range(MEMBERS):
            _write(folder, member, str(tile), probabilities(labels, tile, member), keep=tile == 0)


def copy_inputs(folder: Path, scores: Path) -> None:
    """As `write_inputs`, from the score files in the folders of `scores`."""
    members = find_members(scores)
    for tile in check_members(members):
        for number, member in enumerate(members):
            header, codes = read_scores(member.score_file(tile))
            _write(folder, number, tile, decode(codes, header), keep=not (folder / KEPT / f"{number}.npy").exists())


def _write(folder: Path, member: int, tile: str, values: NDArray[np.float32], keep: bool) -> None:
    codes = encode(values, "logit")
    write_member(folder / str(member), codes, tile)
    np.save(folder / str(member) / f"{tile}.npy", codes)
    if keep:
        (folder / KEPT).mkdir(exist_ok=True)
        np.save(folder / KEPT / f"{member}.npy", values)


def member_files(folder: Path, tile: str) -> list[Path]:
    """Files of one tile, one per model."""
    return [member / tile for member in _members(folder)]


def _members(folder: Path) -> list[Path]:
    return sorted((path for path in folder.iterdir() if path.name.isdigit()), key=lambda path: int(path.name))


def plain_labels(paths: Sequence[Path]) -> Labels:
    """Labels of raw arrays, through int32 copies of all of them."""
    sums = np.sum([np.load(path).astype(np.int32) for path in paths], axis=0)
    return (np.argmax(sums, axis=0) + 1).astype(np.uint8)


def lean_labels(paths: Sequence[Path]) -> Labels:
    """Labels of raw arrays, through one int32 sum."""
    sums = np.load(paths[0]).astype(np.int32)
    for path in paths[1:]:
        sums += np.load(path)
    return (np.argmax(sums, axis=0) + 1).astype(np.uint8)


def our_labels(paths: Sequence[Path]) -> Labels:
    """Labels of score files."""
    return average_labels(paths, [1.0] * len(paths), "logits", OPEN_EARTH_MAP)


def same_labels(folder: Path, tile: str) -> bool:
    """Whether all sides give the same label map."""
    raw, ours = member_files(folder, f"{tile}.npy"), member_files(folder, f"{tile}.tif")
    expected = plain_labels(raw)
    return np.array_equal(expected, lean_labels(raw)) and np.array_equal(expected, our_labels(ours))


def decoded_share(folder: Path) -> float:
    """Share of the tiles of our files that averaging decodes."""
    names = [path.name for path in (folder / "0").glob("*.tif")]
    tiles = sum(ScoreFile(path).largest.size for name in names for path in member_files(folder, name))
    with mock.patch.object(ScoreFile, "read_tile", autospec=True, side_effect=ScoreFile.read_tile) as read_tile:
        for name in names:
            our_labels(member_files(folder, name))
    return read_tile.call_count / tiles


def build_plain(folder: Path) -> Call:
    """Averages all raw arrays through int32 copies, to PNGs."""
    return functools.partial(_average_all, folder, ".npy", plain_labels, _plain_png)


def build_lean(folder: Path) -> Call:
    """Averages all raw arrays through one int32 sum, to PNGs."""
    return functools.partial(_average_all, folder, ".npy", lean_labels, _plain_png)


def build_ours(folder: Path) -> Call:
    """Averages all score files, to PNGs."""
    return functools.partial(_average_all, folder, ".tif", our_labels, write_label_png)


def build_plain_writing(folder: Path) -> Call:
    """Codes of the first tile's probabilities to raw arrays, and these to a PNG."""
    models, out = _models(folder), folder / "plain"
    out.mkdir(exist_ok=True)

    def call() -> None:
        paths = [out / f"{member}.npy" for member in range(len(models))]
        for path, model in zip(paths, models, strict=True):
            np.save(path, (model * 255).astype(np.uint8))
        _plain_png(out / "0.png", plain_labels(paths))

    return call


def build_ours_writing(folder: Path) -> Call:
    """Codes of the first tile's probabilities to score files, and these to a PNG."""
    models, out = _models(folder), folder / "ours"

    def call() -> None:
        paths = [write_member(out / str(m), encode(model, "logit"), "0") for m, model in enumerate(models)]
        write_label_png(out / "0.png", our_labels(paths))

    return call


def build_accumulating(folder: Path) -> Call:
    """Probabilities of the first tile to a PNG without files in between."""
    models = _models(folder)
    weights = tile_weights([1.0] * len(models), len(models[0]), "logits")

    def call() -> None:
        total = ScoreSum(weights, *models[0].shape[1:])
        for member, model in enumerate(models):
            total.add(member, model)
        write_label_png(folder / "accumulated.png", total.labels(OPEN_EARTH_MAP))

    return call


def _models(folder: Path) -> list[NDArray[np.float32]]:
    return [np.load(folder / KEPT / f"{member.name}.npy") for member in _members(folder)]


def _average_all(
    folder: Path,
    suffix: str,
    average: Callable[[Sequence[Path]], Labels],
    write: Callable[[Path, Labels], None],
) -> None:
    for path in sorted((folder / "0").glob(f"*{suffix}")):
        write(folder / f"{path.stem}.png", average(member_files(folder, path.name)))


def _plain_png(path: Path, labels: Labels) -> None:
    Image.fromarray(labels).save(path)


def _counted(name: str, build: Callable[[Path], Call], folder: Path) -> Call:
    """A side whose calls note their CPU seconds in a file, for `_measure` in the process that takes turns."""
    call, log = build(folder), folder / f"{name}.log"
    log.unlink(missing_ok=True)

    def counted() -> None:
        seconds = cpu_seconds(call)
        with log.open("a", encoding="ascii") as file:
            file.write(f"{seconds}\n")

    return counted


def _measure(builds: Mapping[str, Build], folder: Path, repeats: int) -> tuple[dict[str, float], dict[str, Cost]]:
    """Median CPU seconds of a call, and wall time and memory, by side."""
    costs = take_turns(builds, repeats, warm_up=1)
    logs = {name: (folder / f"{name}.log").read_text(encoding="ascii").split() for name in builds}
    return {name: statistics.median(map(float, log[-repeats:])) for name, log in logs.items()}, costs


def _print_table(title: str, seconds: Mapping[str, float], costs: Mapping[str, Cost], tiles: int) -> None:
    rows = [(title, "CPU ms/tile", "plain/it", "memory MiB")]
    for name, taken in seconds.items():
        memory = costs[name].memory / 2**20
        rows.append((name, f"{1e3 * taken / tiles:.1f}", f"{seconds[PLAIN] / taken:.2f}", f"{memory:.0f}"))
    print(f"\n{text_table(rows)}", flush=True)


def _bytes(folder: Path, pattern: str) -> int:
    return sum(path.stat().st_size for member in _members(folder) for path in member.glob(pattern))


if __name__ == "__main__":
    main()
