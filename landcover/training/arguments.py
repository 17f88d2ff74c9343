"""Command-line arguments of training, the same in both stages."""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.classes.arguments import add_class_arguments


def add_training_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds configs, `--dfc-root`, `--run-dir`, the classes, `--seed`, `--option`, and where pretrained weights are."""
    parser.add_argument("configs", nargs="+", type=Path, help="one config per model; its stem is the model's name")
    parser.add_argument("--dfc-root", required=True, type=Path, help="DFC2025 Track 1 folder")
    parser.add_argument("--run-dir", required=True, type=Path, help="folder of the run; receives a folder per model")
    add_class_arguments(parser)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pretrained-dir", type=Path, help="folder of pretrained weights; without it, random weights")
    parser.add_argument("--fetch-pretrained", action="store_true", help="fetch weights that are not in that folder")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one config value")
