"""What stage 50 takes for a test set of the contest's size: score files of four models to a checked zip and report.

The stage is called as a user calls it, `bash tools/50_make_submission.sh`, with everything that belongs to it: starting
Python, checking all members, averages, label PNGs, zip, its check, report. By default no tile has labels, as in the
contest; `--labelled` scores every model, both averages and the submission too.

Tiles are made up as `_score_fields` tells, every class is somewhere likely in each of them, or copied from the folders
of score files in `--scores`. There are few different ones, `--distinct`, under `--tiles` names that are hard links:
files come from memory, and what a disk takes for all of them is not in the times.

Times are those of the whole stage, all its processes together, the fastest of `--repeats` calls: other work on the
machine only adds to it. The last line is a JSON object: `wall_seconds`; `cpu_seconds` in user and system mode;
`cpu_ms_per_tile`, of that; `bytes`, of the score files / their codes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

# Run as a script, this file's folder has a module of the name of the package `ensemble`.
if __package__ is None:
    sys.path.pop(0)

from landcover.report.text_table import text_table
from tools.benchmarks._measure import malloc_settings, print_result
from tools.benchmarks._score_run import ScoreRun

ROOT = Path(__file__).parents[2]
STAGE = ("bash", "tools/50_make_submission.sh", "configs/profiles/dfc2025.sh")


def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    print(f"malloc: {malloc_settings()}; {os.cpu_count()} cores; load {os.getloadavg()[0]:.1f}", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        run = ScoreRun(Path(temporary))
        if arguments.scores:
            run.copy(arguments.scores)
        else:
            run.make_up(arguments.distinct, arguments.side)
        run.multiply(arguments.tiles)
        share = run.share_of_codes()
        told = f"{len(run.models())} models, {arguments.tiles} tiles, score files of {share:.2f} of their codes"
        print(told, flush=True)
        wall, cpu = min(_stage(run, arguments.labelled) for _ in range(arguments.repeats))
    result = {"wall_seconds": wall, "cpu_seconds": cpu, "cpu_ms_per_tile": 1e3 * cpu / arguments.tiles, "bytes": share}
    print(f"\n{text_table([tuple(result), tuple(f'{value:.3g}' for value in result.values())])}", flush=True)
    print_result(result)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tiles", type=int, default=490, help="test tiles")
    parser.add_argument("--side", type=int, default=1024, help="side of the made-up tiles, pixels")
    parser.add_argument("--distinct", type=int, default=12, help="made-up tiles that differ")
    parser.add_argument("--scores", type=Path, help="folder with one folder of score files per model; default: made up")
    parser.add_argument("--labelled", action="store_true", help="made-up tiles have labels to be scored against")
    parser.add_argument("--repeats", type=int, default=1, help="calls of the stage, of which the fastest counts")
    return parser.parse_args()


def environment(run: ScoreRun, labelled: bool) -> Mapping[str, str]:
    """Variables of the profile for a stage on made-up data."""
    return {
        "DFC_ROOT": str(run.data),
        "OEM_ROOT": str(run.data),
        "TRUTH_ROOT": str(run.data if labelled else run.folder / "no_truth"),
        "RUN_DIR": str(run.run),
        "SAR_MODELS": " ".join(f"configs/stage2/{name}.py" for name in run.models()),
        "TEACHERS": "configs/stage1/segformer_mit-b3_768.py",
    }


def _stage(run: ScoreRun, labelled: bool) -> tuple[float, float]:
    """Wall and CPU seconds of one call."""
    begin, cpu = time.perf_counter(), _cpu_of_children()
    call = subprocess.run(
        STAGE, cwd=ROOT, env={**os.environ, **environment(run, labelled)}, capture_output=True, text=True
    )
    if call.returncode:
        sys.exit(f"{call.stdout}{call.stderr}\nerror: the stage failed, there is nothing to measure")
    return time.perf_counter() - begin, _cpu_of_children() - cpu


def _cpu_of_children() -> float:
    """Seconds in user and system mode of all processes that have ended."""
    times = os.times()
    return times.children_user + times.children_system


if __name__ == "__main__":
    main()
