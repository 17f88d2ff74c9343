"""Trains matchers of SAR and optical images on pairs."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from landcover.errors import command
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.training_log import LOG_NAME, read_log
from landcover.training.arguments import add_model_arguments, as_asked, chosen_models
from landcover.training.config import load_config
from landcover.training.summary import TrainedModel
from landcover.training.tracking.trackers import check_tracker
from landcover.training.train_all import check_jobs, train_all
from stage2_sar_seg.registration.matcher_training import matcher_training
from stage2_sar_seg.registration.matching_scores import LIMITS
from stage2_sar_seg.registration.pairs.pair_sets import PAIR_SETS
from stage2_sar_seg.registration.pairs.pair_split import split_pairs

MODULE = "stage2_sar_seg.registration.train"

HEADS = ("matcher", "state", "minutes", "mean error", "RMSE", *(f"CMR {limit} px" for limit in LIMITS))


@command
def main() -> None:
    """Trains every config, in turn or `--jobs` at a time; finished ones are skipped, interrupted ones continued."""
    arguments = _arguments()
    arguments.data = arguments.data or [arguments.pairs]
    register_all()
    processes = start_processes()
    check_jobs(arguments.jobs, processes)
    check_tracker(arguments.tracker)
    tells = processes.first and not arguments.one_of_many
    keep_digests(arguments.run_dir)
    named = chosen_models({path.stem: path for path in arguments.configs}, arguments.only, "the configs")
    configs = {name: load_config(path, arguments.option, stage="registration") for name, path in named.items()}
    chosen = PAIR_SETS[arguments.pairs]
    by = arguments.hold_out_by or chosen.split_by
    split = split_pairs(chosen.read(arguments.root), arguments.labelled, arguments.hold_out, by, arguments.seed)
    if tells:
        counts = (
            f"{len(split.labelled)} labelled pairs, {len(split.unlabelled)} unlabelled, {len(split.test)} of the test"
        )
        print("\n".join([counts, *([split.note] if split.note else [])]), flush=True)
    folder = arguments.run_dir / "matchers"
    trainings = [
        matcher_training(name, config, split, folder / name, arguments.seed) for name, config in configs.items()
    ]
    done = train_all(as_asked(trainings, arguments, MODULE), processes, arguments.jobs, MODULE)
    if tells:
        print(matcher_table(done), flush=True)


def matcher_table(rows: Sequence[TrainedModel]) -> str:
    """Aligned table with a row per matcher: errors in pixels and rates in percent on the test pairs, `-` without.

    Args:
        rows: in the order of the command.
    """
    return text_table([HEADS, *map(_cells, rows)], texts=2)


def _cells(row: TrainedModel) -> tuple[str, ...]:
    lines = [line for line in read_log(row.folder / LOG_NAME) if "test_rmse" in line]
    scores = ["-"] * (2 + len(LIMITS))
    if lines:
        errors = [f"{lines[-1][name]:.2f}" for name in ("test_mean_error", "test_rmse")]
        scores = [*errors, *(f"{100 * lines[-1][f'test_cmr_{limit}']:.1f}" for limit in LIMITS)]
    minutes = "-" if row.minutes is None else f"{row.minutes:.1f}"
    return (row.folder.name, "trained" if row.trained else "was there", minutes, *scores)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=f"python -m {MODULE}", description=__doc__)
    add_model_arguments(parser)
    parser.add_argument("--pairs", required=True, choices=sorted(PAIR_SETS), help="data set of pairs")
    parser.add_argument("--root", required=True, type=Path, help="its folder")
    parser.add_argument("--labelled", type=share, default=1.0, metavar="SHARE", help="of the training pairs, 1/16 say")
    parser.add_argument("--hold-out", type=float, metavar="SHARE", help="test on this share of the pairs")
    parser.add_argument("--hold-out-by", help="footprint, region, random or auto; default: what suits the data set")
    return parser.parse_args()


def share(text: str) -> float:
    """A number written as decimal or as fraction.

    Raises:
        argparse.ArgumentTypeError: neither of them.
    """
    try:
        return float(Fraction(text))
    except (ValueError, ZeroDivisionError):
        raise argparse.ArgumentTypeError(f"expected a share such as 1/16 or 0.0625, found {text!r}") from None


if __name__ == "__main__":
    main()
