"""Command-line arguments that say which classes there are and how label files tell them."""

from __future__ import annotations

import argparse
import os

from landcover.classes.convention import GRAMMAR, SETTING
from landcover.classes.scheme import ClassScheme
from landcover.classes.scheme_file import DEFAULT, find_scheme


def add_class_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--classes` and `--label-values`; by default they are the variables CLASSES and LABEL_VALUES."""
    parser.add_argument(
        "--classes",
        default=os.environ.get("CLASSES") or DEFAULT,
        metavar="FILE",
        help="class scheme, or its name in configs/classes (default: CLASSES, else openearthmap)",
    )
    parser.add_argument(
        "--label-values",
        default=os.environ.get(SETTING, ""),
        metavar="WORDS",
        help=f"what the values of label files mean: {GRAMMAR} (default: {SETTING})",
    )


def class_scheme(arguments: argparse.Namespace) -> ClassScheme:
    """The scheme that the command line names."""
    return find_scheme(arguments.classes, arguments.label_values)
