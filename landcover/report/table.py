"""Scores of a run as plain text, for the terminal."""

from __future__ import annotations

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.report.class_columns import class_heads, class_row
from landcover.report.results import Metrics, score_groups, score_of


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
    lines = [class_heads("IoU in %", "mIoU", scheme, width)]
    for group in groups:
        lines.append(f"{group.title}, against {group.labels}")
        for row in group.rows:
            scores = [score_of(row, column) for column in (None, *scheme.classes)]
            lines.append(class_row(row.name, scores, width))
    return "\n".join(lines)
