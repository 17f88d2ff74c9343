"""Cards on the disk: written beside the model, and anew as long as nobody has made them his own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.model_cards.card import card_text
from landcover.model_cards.facts import read_facts
from landcover.run_files.atomic import write_text

CARD_NAME = "README.md"

OURS = "<!-- Written by python -m tools.model_card, which overwrites it; without this line it stays as it is. -->"
"""First line of a card that may be written anew."""


def write_card(folder: Path, data: Sequence[str] = ()) -> bool:
    """Writes the card of the finished training in `folder`; one whose first line is not `OURS` stays.

    The card is no file of the manifest: it may be completed, and written anew when the run has scored the model.

    Args:
        folder: of the training.
        data: names of its data sets, where its manifest does not tell them.

    Returns:
        Whether it was written.

    Raises:
        InputError: no finished training.
    """
    path = folder / CARD_NAME
    facts = read_facts(folder, data)
    if path.is_file() and not path.read_text(encoding="utf-8").startswith(OURS):
        return False
    write_text(path, f"{OURS}\n\n{card_text(facts)}")
    return True


def has_card(folder: Path) -> bool:
    """Whether there is a card in the folder of a training."""
    return (folder / CARD_NAME).is_file()
