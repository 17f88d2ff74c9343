"""Writes the card of trained models, README.md beside each: licences, images, classes, scores, training.

Usage:
    python -m tools.model_card runs/demo/sar_models/* runs/demo/teachers/*
"""

from __future__ import annotations

import argparse
from pathlib import Path

from landcover.errors import command
from landcover.model_cards.write_card import CARD_NAME, write_card


@command
def main() -> None:
    """Writes card by card; a card that somebody has made his own stays."""
    parser = argparse.ArgumentParser(prog="python -m tools.model_card", description=__doc__.partition("\n")[0])
    parser.add_argument("folders", nargs="+", type=Path, help="folders of finished trainings")
    parser.add_argument("--data", nargs="*", default=[], metavar="NAME", help="data sets of models that do not say")
    arguments = parser.parse_args()
    for folder in arguments.folders:
        written = write_card(folder, arguments.data)
        print(f"{'wrote' if written else 'stays as somebody has changed it:'} {folder / CARD_NAME}", flush=True)


if __name__ == "__main__":
    main()
