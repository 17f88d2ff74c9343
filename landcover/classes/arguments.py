"""Command-line arguments that say which classes there are and how label files tell them."""

from __future__ import annotations

import argparse

from landcover.classes.scheme import ClassScheme
from landcover.classes.scheme_file import DEFAULT, find_scheme


def add_class_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--classes` and `--label-values`."""
    parser.add_argument(
        "--classes", default=DEFAULT, metavar="FILE", help="class scheme, or its name in configs/classes"
    )
    parser.add_argument(
        "--label-values", default="", metavar="WORDS", help='what label files hold: "255:0", "+1", colours; see docs'
    )


def class_scheme(arguments: argparse.Namespace) -> ClassScheme:
    """The scheme that the command line names."""
    return find_scheme(arguments.classes, arguments.label_values)
