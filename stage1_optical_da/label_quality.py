"""Prints what a folder of label files is worth, and writes it as JSON if asked to.

python -m stage1_optical_da.label_quality runs/demo/pseudo_labels --against published=DFC2025Track1/train/labels
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path

from landcover.classes.arguments import add_class_arguments, class_scheme
from landcover.data_sets.class_statistics import warn_of_shifted_labels
from landcover.errors import command
from landcover.labels.label_set import label_set
from landcover.labels.quality import References, folder_quality
from landcover.processes.group import start_processes
from landcover.report.quality_table import quality_table
from landcover.run_files.atomic import write_json


@command
def main() -> None:
    """Prints the table, and writes JSON if asked to."""
    parser = argparse.ArgumentParser(prog="python -m stage1_optical_da.label_quality", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("folder", help="label files <tile>.tif or .png")
    parser.add_argument(
        "--against", nargs="+", default=[], metavar="NAME=FOLDER", help="label sets to compare with, of all these tiles"
    )
    parser.add_argument("--truth", metavar="FOLDER", help="manual labels of some or all of these tiles")
    parser.add_argument("--out", type=Path, metavar="FILE", help="receives the numbers as JSON")
    add_class_arguments(parser)
    arguments = parser.parse_args()

    scheme = class_scheme(arguments)
    labels, truth = label_set(arguments.folder, scheme), None
    if arguments.truth:
        known = label_set(arguments.truth, scheme)
        truth = replace(known, name=f"manual labels of {len(known.only(labels.files).files)} tiles")
    references = References(tuple(label_set(option, scheme) for option in arguments.against), truth)
    quality = folder_quality(labels, references, start_processes())
    print(quality_table(quality, scheme))
    warn_of_shifted_labels(list(labels.files.values()), scheme, f"{labels.folder}: label files")
    if arguments.out:
        write_json(arguments.out, quality)
        print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
