"""Scores of a run as plain text, for the terminal."""

from __future__ import annotations

from collections.abc import Sequence

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.report.results import Metrics, ScoreRow, score_groups, score_of

ABBREVIATION = 5
"""Letters of a class name in the header: all columns then fit 100 characters."""


def result_table(metrics: Metrics, scheme: ClassScheme = OPEN_EARTH_MAP) -> str:
    """Aligned table of mIoU and IoU per class, in percent, without a newline at its end.

    Every group of rows is headed by its kind and what it was scored against; `-` stands for a class that occurs in
    neither map. ASCII only, for any terminal and any log.

    Args:
        metrics: content of `metrics.json`.
        scheme: classes of the columns.

    Raises:
        InputError: an entry is not one that the stages write.
    """
    groups = score_groups(metrics)
    if not groups:
        return "no scores: no labels to score against"
    width = max(len(row.name) for group in groups for row in group.rows) + 2
    lines = [_line("IoU in %", ["mIoU", *(name[:ABBREVIATION] for name in scheme.classes)], width)]
    for group in groups:
        lines.append(f"{group.title}, against {group.labels}")
        lines.extend(_line(f"  {row.name}", _cells(row, scheme), width) for row in group.rows)
    return "\n".join(lines)


def _cells(row: ScoreRow, scheme: ClassScheme) -> list[str]:
    scores = [score_of(row, column) for column in (None, *scheme.classes)]
    return ["-" if score is None else f"{100 * score:.1f}" for score in scores]


def _line(name: str, cells: Sequence[str], width: int) -> str:
    return name.ljust(width) + "".join(cell.rjust(ABBREVIATION + 2) for cell in cells)
