"""Confusion matrix of the ensemble as a table with shaded cells."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from landcover.classes import ClassScheme
from landcover.errors import InputError
from landcover.report.markup import DASH, scrolling, swatch, text
from landcover.report.results import Metrics

NO_CONFUSION = "<p>No confusion matrix: the ensemble was not scored against manual labels.</p>"


def confusion_table(ensemble: Metrics | None, scheme: ClassScheme) -> str:
    """HTML of the matrix, each row in percent of its true class, or one sentence if there is none.

    Args:
        ensemble: entry of `metrics.json`; `confusion` holds C x C counts [truth][prediction], `missed`, if there, the C
            counts of labelled pixels that were not mapped.
        scheme: the C classes.
    """
    if not ensemble or not ensemble.get("confusion"):
        return NO_CONFUSION
    counts = np.array(ensemble["confusion"], dtype=np.int64)
    if counts.shape != (scheme.num_classes, scheme.num_classes):
        raise InputError(
            f"metrics.json: expected {scheme.num_classes}x{scheme.num_classes} counts, found {counts.shape}"
        )
    names = list(scheme.classes)
    missed = np.array(ensemble.get("missed") or [0] * len(names), dtype=np.int64)
    if missed.any():
        counts, names = np.column_stack([counts, missed]), [*names, "not mapped"]
    rows = "\n".join(_row(index, counts[index].tolist(), names, scheme) for index in range(scheme.num_classes))
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in names)
    table = (
        '<table class="confusion"><caption><span>Rows: true class, columns: mapped class, in percent of the true '
        f"class; scored against {text(ensemble['labels'])}. "
        "Hold the pointer over a cell for its pixels.</span></caption>\n"
        f'<thead><tr><th scope="col">true class</th>{heads}<th scope="col">pixels</th></tr></thead>\n'
        f"<tbody>{rows}</tbody></table>"
    )
    return scrolling("Confusion matrix of the ensemble", table)


def _row(index: int, counts: Sequence[int], names: Sequence[str], scheme: ClassScheme) -> str:
    truth, total = scheme.classes[index], sum(counts)
    cells = "".join(
        _cell(count, total, f"true {truth}, mapped as {name}: {count:,} of {total:,} pixels", name == truth)
        for name, count in zip(names, counts, strict=True)
    )
    head = f'<th scope="row">{swatch(scheme.palette[index])}{text(truth)}</th>'
    return f"<tr>{head}{cells}<td>{total:,}</td></tr>"


def _cell(count: int, total: int, title: str, hit: bool) -> str:
    """One cell: shaded by its share of the row; hits and errors have different hues."""
    if total == 0:
        return f'<td title="{text(title)}">{DASH}</td>'
    share = 100 * count / total
    return (
        f'<td class="{"hit" if hit else "error"}" style="--share:{share:.1f}%" title="{text(title)}">{share:.1f}</td>'
    )
