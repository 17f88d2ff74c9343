"""Changes a folder of label files by the method that the profile names: labels, images and scores in, labels out."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import stage1_optical_da.sure_sar_labels  # noqa: F401  registers itself
from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.errors import command
from landcover.labels.label_filter import FilterMaterial, build_filter, filter_labels
from landcover.labels.label_set import LabelSet, label_files
from landcover.labels.quality import References, read_quality
from landcover.processes.group import Processes, start_processes
from landcover.profiles.key_values import key_values
from landcover.registry import register_all
from landcover.report.quality_table import quality_table
from landcover.run_files.digest_cache import keep_digests
from stage1_optical_da.label_reassignment.soft_targets import write_soft_targets
from stage1_optical_da.label_reassignment.transported_labels import TransportedLabels

CURE = "run tools/20_write_pseudo_labels.sh first, or set LABELS to a folder of label files"


@command
def main() -> None:
    """Ends with the table of what the labels are worth now."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.reassign_labels", description=__doc__)
    parser.add_argument("--method", required=True, help="name of a registered label filter")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one setting")
    parser.add_argument("--labels", required=True, type=Path, help="folder of label files named as the training tiles")
    parser.add_argument("--teachers", nargs="*", default=[], help="names of score folders in <run-dir>/scores/teachers")
    parser.add_argument("--sar-scores", type=Path, help="folder with a folder of score files per SAR model")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--truth-root", type=Path, help="folder with train/labels of manual labels, to score against")
    parser.add_argument("--run-dir", required=True, type=Path, help="receives reassigned_labels/")
    parser.add_argument("--seed", type=int, default=0)
    add_class_arguments(parser)
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    keep_digests(arguments.run_dir)
    tiles = dfc2025_tiles(arguments.dfc_root, "train")
    images = {tile.name: tile.optical for tile in tiles if tile.optical}
    scores = teacher_scores(arguments.run_dir / "scores" / "teachers", arguments.teachers, processes)
    before = LabelSet(arguments.labels.name, label_files(arguments.labels, CURE, scheme), scheme)
    material = FilterMaterial(tiles, scores, arguments.seed, processes, scheme, arguments.sar_scores, before)
    options = key_values("REASSIGN_OPTIONS", arguments.option)
    changes = build_filter(arguments.method, material, "REASSIGN", **options)
    references = References.of_tiles(tiles, arguments.truth_root or arguments.dfc_root, scheme)
    folder = arguments.run_dir / "reassigned_labels"
    soft_folder = arguments.run_dir / "scores" / "reassigned" / arguments.method
    written = filter_labels(arguments.method, changes, before, images, folder, references, processes)
    if isinstance(changes, TransportedLabels) and changes.soft:
        write_soft_targets(changes, before, images, soft_folder, processes)
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {len(images)} label files in {folder}")
        print(quality_table(read_quality(folder), scheme), flush=True)


def teacher_scores(root: Path, names: Sequence[str], processes: Processes) -> dict[str, Path]:
    """Folders of score files that are there, by the name of the teacher; tells which are not where some are.

    Args:
        root: folder of the folders.
        names: of the teachers.
        processes: the first of which tells.
    """
    found = {name: root / name for name in names if (root / name).is_dir()}
    missing = [name for name in names if name not in found]
    if found and missing and processes.first:
        print(
            f"note: no scores of {', '.join(missing)} in {root}; only those of {', '.join(found)} are read", flush=True
        )
    return found


if __name__ == "__main__":
    main()
