"""Size, writing and reading time of score files by compression.

The scores are those of `--scores`, a folder of score files at any depth, or else fields made up as `_score_fields`
tells. Times are CPU seconds of all threads, medians, per 8 MiB of codes (8 classes of 1024x1024), in the page cache.
The last line is a JSON object: `size` is the share of the raw bytes that the storage in use takes, `write_speedup` and
`read_speedup` are the times of deflate level 1 with predictor divided by its times.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError, command
from landcover.report.text_table import text_table
from landcover.score_files import score_file
from landcover.score_files.score_file import ScoreHeader, read_scores, write_scores
from tools.benchmarks._measure import cpu_seconds, print_result
from tools.benchmarks._score_fields import field_codes

Scores = tuple[ScoreHeader, NDArray[np.uint8]]

DEFLATE: dict[str, Any] = {"compression": "zlib", "compressionargs": {"level": 1}, "predictor": True}

STORAGES: dict[str, dict[str, Any]] = {
    "deflate 1, predictor": DEFLATE,
    "deflate 6, predictor": {**DEFLATE, "compressionargs": {"level": 6}},
    "zstd 1, predictor": {"compression": "zstd", "compressionargs": {"level": 1}, "predictor": True},
    "zstd 9, predictor": {"compression": "zstd", "compressionargs": {"level": 9}, "predictor": True},
    "LZW, predictor": {"compression": "lzw", "predictor": True},
    "deflate 1": {**DEFLATE, "predictor": False},
    "deflate 6": {"compression": "zlib", "compressionargs": {"level": 6}},
    "zstd 1": {"compression": "zstd", "compressionargs": {"level": 1}},
    "zstd 9": {"compression": "zstd", "compressionargs": {"level": 9}},
    "LZW": {"compression": "lzw"},
}
"""Arguments of `tifffile.imwrite` by name."""

RAW = 8 * 1024 * 1024


@command
def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    scores = _read(arguments.scores, arguments.limit) if arguments.scores else _made_up(arguments.side)
    total = sum(codes.size for _, codes in scores)
    print(f"{len(scores)} score files, {total / RAW:.1f} x 8 MiB; load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        rows = measure(scores, Path(temporary), arguments.repeats)
    chosen = next(name for name, storage in STORAGES.items() if storage == score_file.STORAGE)
    lines = [
        (f"{name} (in use)" if name == chosen else name, f"{size:.3f}", f"{1e3 * write:.0f}", f"{1e3 * read:.0f}")
        for name, (size, write, read) in rows.items()
    ]
    print(text_table([("", "bytes/raw", "write ms", "read ms"), *lines]))
    size, write, read = rows[chosen]
    plain = rows["deflate 1, predictor"]
    print_result({"size": size, "write_speedup": plain[1] / write, "read_speedup": plain[2] / read})


def measure(scores: Sequence[Scores], folder: Path, repeats: int) -> dict[str, tuple[float, float, float]]:
    """By storage: share of the raw bytes, CPU seconds of writing and of reading per 8 MiB of codes."""
    paths = [folder / f"{number}.tif" for number in range(len(scores))]
    total = sum(codes.size for _, codes in scores)
    sizes: dict[str, float] = {}
    writing: dict[str, list[float]] = {name: [] for name in STORAGES}
    reading: dict[str, list[float]] = {name: [] for name in STORAGES}

    def write() -> None:
        for path, (header, codes) in zip(paths, scores, strict=True):
            write_scores(path, codes, header)

    def read() -> None:
        for path in paths:
            read_scores(path)

    for _ in range(repeats):
        for name, storage in STORAGES.items():
            with mock.patch.object(score_file, "STORAGE", storage):
                writing[name].append(cpu_seconds(write) * RAW / total)
            reading[name].append(cpu_seconds(read) * RAW / total)
            sizes[name] = sum(path.stat().st_size for path in paths) / total
    return {
        name: (sizes[name], statistics.median(writing[name]), statistics.median(reading[name])) for name in STORAGES
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scores", type=Path, help="folder of score files; default: made-up fields")
    parser.add_argument("--limit", type=int, default=40, help="score files of that folder that are used, at most")
    parser.add_argument("--side", type=int, default=1024, help="side of the made-up fields, pixels")
    parser.add_argument("--repeats", type=int, default=5, help="timed calls")
    return parser.parse_args()


def _made_up(side: int) -> list[Scores]:
    fields = [field_codes(tile, 0, side) for tile in range(3)]
    return [(ScoreHeader("made-up", "openearthmap", "logit", 10.0, side, side, len(codes)), codes) for codes in fields]


def _read(folder: Path, limit: int) -> list[Scores]:
    paths = sorted(folder.rglob("*.tif"))
    if not paths:
        raise InputError(f"--scores {folder}: expected score files, found none; predict first")
    step = -(-len(paths) // limit)
    return [read_scores(path) for path in paths[::step]]


if __name__ == "__main__":
    main()
