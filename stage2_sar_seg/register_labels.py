"""Moves a folder of label files from the optical images onto the SAR images, by the offset of each pair."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.errors import InputError, command, shorten
from landcover.labels.label_filter import filter_labels
from landcover.labels.label_set import LabelSet, label_files, manual_labels, sar_grid_truth
from landcover.labels.quality import References, read_quality
from landcover.processes.group import start_processes
from landcover.registry import register_all
from landcover.report.quality_table import quality_table
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.manifest import digest
from stage2_sar_seg.registration.build import MODEL_SUFFIXES, build_matcher
from stage2_sar_seg.registration.label_registration import LabelRegistration
from stage2_sar_seg.registration.offset_files import OFFSETS_NAME, read_offsets
from stage2_sar_seg.registration.offset_summary import offset_lines
from stage2_sar_seg.registration.options import registration_options

CURE = "run tools/20_write_pseudo_labels.sh first, or set LABELS to a folder of label files"

ON_OPTICAL = (
    "note: the manual labels lie on the optical images, so what is moved rightly counts as wrong at borders; "
    "labels on the SAR images belong into train/sar_grid_labels"
)


@command
def main() -> None:
    """Ends with the offsets in short and the table of what the labels are worth now."""
    arguments = _arguments()
    scheme = class_scheme(arguments)
    register_all()
    processes = start_processes()
    keep_digests(arguments.run_dir)
    settings, of_matcher = registration_options(arguments.option)
    trained = arguments.method.endswith(MODEL_SUFFIXES)
    if trained and of_matcher:
        raise InputError(
            f"REGISTER_OPTIONS {shorten(sorted(of_matcher))}: expected settings of tiles alone, as {arguments.method} "
            "has those of its matcher; leave it out"
        )
    matcher = build_matcher(arguments.method, processes.device, **of_matcher)
    name = Path(arguments.method).parent.name if trained else arguments.method
    made_from = {"matcher": digest(Path(arguments.method))} if trained else {}

    tiles = dfc2025_tiles(arguments.dfc_root, "train")
    before = LabelSet(arguments.labels.name, label_files(arguments.labels, CURE, scheme), scheme)
    truth_root = arguments.truth_root or arguments.dfc_root
    on_sar, on_optical = (find(truth_root, tiles, scheme) for find in (sar_grid_truth, manual_labels))
    # Published labels lie on the optical images: agreement with them falls where registration is right.
    references = References((), on_sar or on_optical)
    method, folder = f"registration by {name}", arguments.run_dir / "registered_labels"
    registration = LabelRegistration(method, matcher, tiles, before, folder, settings, made_from)
    images = {tile.name: tile.sar for tile in tiles}
    written = filter_labels(
        method, registration, before, images, folder, references, processes, further=registration.finish
    )
    if processes.first:
        print(f"{'wrote' if written else 'is there:'} {len(images)} label files in {folder}")
        print("\n".join(offset_lines(read_offsets(folder / OFFSETS_NAME))))
        if on_optical and not on_sar:
            print(ON_OPTICAL)
        print(quality_table(read_quality(folder), scheme), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m stage2_sar_seg.register_labels", description=__doc__)
    parser.add_argument("--method", required=True, help="name of a registered matcher, or model.pth of a trained one")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one setting")
    parser.add_argument("--labels", required=True, type=Path, help="folder of label files named as the training tiles")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument(
        "--truth-root", type=Path, help="folder with train/sar_grid_labels or train/labels of manual labels"
    )
    parser.add_argument("--run-dir", required=True, type=Path, help="receives registered_labels/")
    add_class_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
