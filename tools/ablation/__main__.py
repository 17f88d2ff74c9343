"""Trains and scores what a study compares and writes its document. Run again, it continues."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from landcover.demo_scenes.write import FINISHED as DEMO_FINISHED
from landcover.errors import InputError, command
from landcover.run_files.atomic import write_json, write_text
from landcover.run_files.manifest import package_versions
from landcover.run_files.writable import check_file, check_folder
from tools.ablation.document import document, result_table
from tools.ablation.jobs import Job, locked, run_jobs
from tools.ablation.machine import cores, machine
from tools.ablation.measure import plan_jobs, score_rows, training_seconds
from tools.ablation.multimodal import multimodal_study
from tools.ablation.prototypes import prototypes_study
from tools.ablation.registration import registration_study
from tools.ablation.results import Results
from tools.ablation.scenes import demo_scenes
from tools.ablation.stage1 import stage1_study
from tools.ablation.stage2 import stage2_study
from tools.ablation.study import Row, Study

ROOT = Path(__file__).parents[2]
SEEDS = (0, 1, 2)
STUDIES: dict[str, Callable[..., Study]] = {
    "stage1": stage1_study,
    "prototypes": prototypes_study,
    "stage2": stage2_study,
    "multimodal": multimodal_study,
    "registration": registration_study,
}
STUDIES_TOLD = (
    "stage1: the teacher on the target; prototypes: its alignment; stage2: SAR models; multimodal: SAR models from few "
    "labels, beside optical ones; registration: labels moved onto SAR images"
)


@command
def main() -> None:
    """One study from data to document."""
    arguments = _arguments()
    data = demo_scenes(arguments.data, arguments.run_dir)
    folder = arguments.run_dir.resolve() / arguments.study
    further = {"real_pairs": arguments.real_pairs} if arguments.real_pairs else {}
    if further and arguments.study != "registration":
        raise InputError(
            f"--real-pairs: expected none for {arguments.study}, found {len(arguments.real_pairs)}; leave it out"
        )
    study = STUDIES[arguments.study](data, folder, arguments.iterations, **further)
    rows = _chosen(study, arguments.rows)
    iterations: dict[str, int] = {}
    for model in study.needed(rows):  # variants of a config come behind it
        iterations.setdefault(model.config.stem, model.loaded().iterations)
    with locked(folder) as lock:
        study.prepare()
        first = study.first_jobs(arguments.seeds)
        made_from = [(data / DEMO_FINISHED).read_text(encoding="utf-8"), *(job.fingerprint for job in first)]
        jobs = plan_jobs(study, rows, arguments.seeds, folder, "\n".join(made_from))
        _run([first, jobs], arguments.jobs, lock)
    results = _results(study, rows, arguments, folder, first, jobs, iterations)
    whole = len(rows) == len(study.rows)
    if whole:
        reading = Path(__file__).parent / f"{study.name}_reading.md"
        write_text(arguments.out, document(results, reading.read_text(encoding="utf-8") if reading.exists() else ""))
        print(f"wrote {arguments.out}")
    if whole or arguments.json:
        write_json(arguments.json or folder / "results.json", results.to_json())
    print(result_table(results), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.ablation", description=__doc__)
    parser.add_argument("study", choices=sorted(STUDIES), help=STUDIES_TOLD)
    parser.add_argument("--seeds", nargs="+", type=int, default=list(SEEDS), help="default: 0 1 2")
    parser.add_argument("--rows", nargs="+", help="some rows only: their table is printed, no document is written")
    parser.add_argument("--jobs", type=int, default=cores(), help="trainings at a time; default: one per core")
    parser.add_argument("--iterations", type=int, help="length of every training instead of that of its config")
    parser.add_argument("--run-dir", type=Path, default=ROOT / "runs" / "ablation", help="default: runs/ablation")
    parser.add_argument("--data", type=Path, help="demo scenes; default: made in <run-dir>/data")
    parser.add_argument("--out", type=Path, help="document; default: docs/<study>.md")
    parser.add_argument("--json", type=Path, help="scores; default: <run-dir>/<study>/results.json")
    parser.add_argument(
        "--real-pairs",
        nargs="+",
        type=_titled,
        default=[],
        metavar="TITLE=FOLDER",
        help="of registration: co-registered pairs in the layout of the contest, on which matchers are compared too",
    )
    arguments = parser.parse_args()
    if arguments.jobs < 1:
        raise InputError(f"--jobs: expected 1 or more, found {arguments.jobs}")
    if len(set(arguments.seeds)) < len(arguments.seeds) or min(arguments.seeds) < 0:
        raise InputError(f"--seeds: expected different numbers from 0 on, found {arguments.seeds}")
    arguments.out = arguments.out or ROOT / "docs" / f"{arguments.study}.md"
    check_folder(arguments.run_dir, "--run-dir")
    check_file(arguments.out, "--out")
    if arguments.json:
        check_file(arguments.json, "--json")
    return arguments


def _titled(text: str) -> tuple[str, Path]:
    title, equals, folder = text.partition("=")
    if not (title and equals and folder):
        raise argparse.ArgumentTypeError(f"expected TITLE=FOLDER, found {text!r}")
    return title, Path(folder).resolve()


def _chosen(study: Study, names: Sequence[str] | None) -> list[Row]:
    known = [row.name for row in study.rows]
    unknown = [name for name in names or () if name not in known]
    if unknown:
        raise InputError(f"--rows: expected some of {', '.join(known)}, found {unknown[0]!r}")
    return [row for row in study.rows if names is None or row.name in names]


def _run(groups: Sequence[Sequence[Job]], parallel: int, lock: int) -> None:
    """Runs the jobs of one group after the other, but for those that are there."""
    waiting = [[job for job in group if not job.finished] for group in groups]
    total, left = sum(map(len, groups)), sum(map(len, waiting))
    threads = max(1, cores() // parallel)
    print(f"{total} trainings, {total - left} of them there; {threads} threads each", flush=True)
    tell = _teller(total, left)
    for group in waiting:
        left -= len(group)
        run_jobs(group, parallel, threads, machine(), lock, partial(tell, later=left))


def _teller(total: int, waiting: int) -> Callable[..., None]:
    """Prints a line per finished job with the time that the rest will take."""
    began = time.monotonic()

    def tell(job: Job, seconds: float, left: int, later: int) -> None:
        left += later  # of the groups that follow
        ahead = left * (time.monotonic() - began) / (waiting - left) / 60
        print(f"{total - left}/{total} {job.name}: {seconds:.0f} s, about {ahead:.0f} min left", flush=True)

    return tell


def _results(
    study: Study,
    rows: Sequence[Row],
    arguments: argparse.Namespace,
    folder: Path,
    first: Sequence[Job],
    jobs: Sequence[Job],
    iterations: Mapping[str, int],
) -> Results:
    records = [job.record() for job in (*first, *jobs)]
    return Results(
        study=study.name,
        title=study.title,
        about=study.about,
        labels=study.labels,
        seeds=arguments.seeds,
        rows=score_rows(study, rows, arguments.seeds, folder),
        iterations=iterations,
        shortened=arguments.iterations is not None,
        seconds=training_seconds(study, rows, jobs),
        job_seconds=sum(sum(record.get("seconds", {}).values()) for record in records),
        jobs=arguments.jobs,
        machines=sorted({record["machine"] for record in records if "machine" in record}),
        versions=package_versions(),
        matrix=study.matrix,
        sections=study.sections(arguments.seeds),
        command=f"python -m tools.ablation {shlex.join(sys.argv[1:])}",
    )


if __name__ == "__main__":
    main()
