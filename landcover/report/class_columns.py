"""Lines of text tables with one column for everything and one per class, in percent."""

from __future__ import annotations

from collections.abc import Iterable

from landcover.classes import ClassScheme

ABBREVIATION = 5
"""Letters of a class name in the header: all columns then fit 100 characters."""


def class_heads(title: str, everything: str, scheme: ClassScheme, width: int) -> str:
    """The header: title, name of the first column, abbreviated class names.

    Args:
        title: stands over the names of the rows.
        everything: head of the column in front of the classes.
        scheme: classes of the columns.
        width: of the names of the rows.
    """
    return _line(title, [everything, *(name[:ABBREVIATION] for name in scheme.classes)], width)


def class_row(name: str, values: Iterable[float | None], width: int) -> str:
    """A row of values 0..1, in percent; `-` stands for None."""
    return _line(f"  {name}", ["-" if value is None else f"{100 * value:.1f}" for value in values], width)


def _line(name: str, cells: Iterable[str], width: int) -> str:
    return name.ljust(width) + "".join(cell.rjust(ABBREVIATION + 2) for cell in cells)
