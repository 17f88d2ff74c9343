"""Averages the SAR models, packs the submission, scores everything that can be scored and writes the report."""

from __future__ import annotations

import argparse
from pathlib import Path

from ensemble.class_shares import ClassShares, folder_shares
from ensemble.evaluate_run import AVERAGES, evaluate_run
from ensemble.make_submission import ZIP_NAME, make_submission
from ensemble.pictures import FOLDER_NAME, write_quick_looks
from ensemble.score_submission import submission_table
from ensemble.weight_file import choose_ensemble
from ensemble.weights import Average
from landcover.classes import ClassScheme
from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.data_sets.dfc2025 import dfc2025_tiles, truth_labels
from landcover.errors import InputError, command
from landcover.report.table import result_table
from landcover.report.write_report import write_report
from landcover.run_files.atomic import write_json
from landcover.run_files.digest_cache import keep_digests


@command
def main() -> None:
    """Ends with the result table."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_submission", description=__doc__)
    parser.add_argument("--teachers", nargs="*", default=[], help="names of the teachers")
    parser.add_argument(
        "--member", action="append", metavar="NAME[=WEIGHT]", help="a model of the ensemble (repeat it); default: all"
    )
    parser.add_argument("--weights", type=Path, help="file of `python -m ensemble.fit_weights`, instead of --member")
    parser.add_argument("--others", nargs="*", default=[], help="further SAR models, scored alone")
    parser.add_argument(
        "--average", help="what is averaged: logits or probabilities; default: as --weights, else logits"
    )
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--truth-root", type=Path, help="folder with <split>/labels; default: the DFC2025 folder")
    parser.add_argument("--labels", type=Path, help="labels that trained the models; default: pseudo_labels of the run")
    parser.add_argument("--unregistered", type=Path, help="these labels before they were moved onto the SAR images")
    parser.add_argument("--quick-looks", action="store_true", help="draw a picture of every test tile too")
    parser.add_argument("--run-dir", required=True, type=Path)
    parser.add_argument("--setting", action="append", default=[], metavar="NAME=VALUE", help="shown in the report")
    add_class_arguments(parser)
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    keep_digests(arguments.run_dir)
    wanted: Average | None = next((kind for kind in AVERAGES if kind == arguments.average), None)
    if arguments.average and wanted is None:
        raise InputError(f"AVERAGE: expected one of {', '.join(AVERAGES)}, found {arguments.average!r}; correct it")
    run_dir, truth_root = arguments.run_dir, arguments.truth_root or arguments.dfc_root
    members, average, class_weights = choose_ensemble(
        run_dir / "scores" / "test", arguments.member, arguments.weights, wanted
    )
    before = (run_dir / ZIP_NAME).read_bytes() if (run_dir / ZIP_NAME).exists() else None
    tiles = dfc2025_tiles(arguments.dfc_root, "test")
    training = _training_shares(arguments, scheme)
    zip_path = make_submission(members, tiles, run_dir, average, class_weights, scheme, training)
    print(f"{'is there:' if zip_path.read_bytes() == before else 'wrote'} {zip_path}, checked and ready to upload")
    metrics = evaluate_run(
        run_dir,
        arguments.dfc_root,
        truth_root,
        arguments.teachers,
        members,
        arguments.others,
        average,
        class_weights,
        arguments.labels,
        scheme,
        arguments.unregistered,
    )
    write_json(run_dir / "metrics.json", metrics)
    print(f"wrote {run_dir / 'metrics.json'}")
    settings = dict(text.split("=", 1) for text in arguments.setting)
    print(f"wrote {write_report(run_dir, arguments.dfc_root, arguments.truth_root, settings, scheme=scheme)}")
    if arguments.quick_looks:
        drawn = write_quick_looks(members, tiles, truth_labels(truth_root, "test"), run_dir, scheme=scheme)
        print(f"{'wrote' if drawn else 'is there:'} {run_dir / FOLDER_NAME}")
    print(f"\n{result_table(metrics, scheme)}")
    if "submission" in metrics:
        print(f"\n{submission_table(metrics['submission'], scheme)}")


def _training_shares(arguments: argparse.Namespace, scheme: ClassScheme) -> ClassShares | None:
    """Shares of the labels that were named; of the run's pseudo-labels, if it has any, where none were."""
    default: Path = arguments.run_dir / "pseudo_labels"
    folder = arguments.labels or (default if default.is_dir() else None)
    return folder_shares(folder, scheme) if folder else None


if __name__ == "__main__":
    main()
