"""Table of what a set of label files is worth, as text and as HTML."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.errors import InputError
from landcover.report.class_columns import class_heads, class_row
from landcover.report.markup import percent, scrolling, text

Quality = Mapping[str, Any]  # content of quality.json

NO_QUALITY = "<p>No quality of the pseudo-labels was counted.</p>"


@dataclass(frozen=True)
class _Row:
    """A heading (no values), or one value 0..1 over everything and one per class; None where there is none."""

    name: str
    values: tuple[float | None, ...] = ()


def quality_table(quality: Quality, scheme: ClassScheme = OPEN_EARTH_MAP) -> str:
    """Aligned table in percent, without a newline at its end; `-` stands for what no pixel counts for.

    Args:
        quality: content of the quality file of a label set.
        scheme: classes of the columns.
    """
    rows = list(_rows(quality, scheme))
    width = max(len(row.name) for row in rows if row.values) + 2
    lines = [class_heads("labels in %", "all", scheme, width)]
    lines += [class_row(row.name, row.values, width) if row.values else row.name for row in rows]
    return "\n".join(lines)


def quality_html(folder: Path, scheme: ClassScheme) -> str:
    """HTML of the same table for the `quality.json` of a folder of label files, or one sentence without that file.

    Raises:
        InputError: the file is not one that the stages write.
    """
    path = folder / "quality.json"
    if not path.is_file():
        return NO_QUALITY
    try:
        rows = list(_rows(json.loads(path.read_text(encoding="utf-8")), scheme))
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected the quality of label files, found {type(error).__name__} {error}; "
            "delete it and run the stages again"
        ) from error
    heads = "".join(f'<th scope="col">{text(name)}</th>' for name in ("labels in %", "all", *scheme.classes))
    body = "\n".join(_html_row(row, len(scheme.classes) + 2) for row in rows)
    table = f'<table class="scores"><thead><tr>{heads}</tr></thead>\n<tbody>{body}</tbody></table>'
    return scrolling("Quality of the pseudo-labels", table)


def _rows(quality: Quality, scheme: ClassScheme) -> Iterator[_Row]:
    size = f"{quality['tiles']:,} tiles, {quality['pixels']:,} pixels"
    yield _Row(f"{quality['name']}: {size}")
    yield from _set_rows(quality, scheme)
    if before := quality.get("before_dropping"):
        yield _Row("Before pixels without agreement were dropped")
        yield from _set_rows(before, scheme)
    for names, entry in quality.get("between_teachers", {}).items():
        yield from _agreement_rows(f"Between {names}", entry, scheme)


def _set_rows(quality: Quality, scheme: ClassScheme) -> Iterator[_Row]:
    known = None if quality["unknown"] is None else 1 - quality["unknown"]
    yield _Row("share of the pixels", (known, *_per_class(quality["shares"], scheme)))
    if confidence := quality["confidence"]:
        name = "mean confidence (all: with unknown)" if quality["unknown"] else "mean confidence"
        yield _Row(name, (confidence["mean"], *_per_class(confidence["classes"], scheme)))
    if truth := quality["truth"]:
        yield from _truth_rows(truth, scheme)
    if before := quality.get("truth_before"):
        kept = before["on_kept"]
        yield _Row("IoU before (all: mean)", (kept["miou"], *_per_class(kept["iou"], scheme)))
    for name, entry in quality["agreement"].items():
        yield from _agreement_rows(f"Against {name} labels", entry, scheme)


def _truth_rows(truth: Quality, scheme: ClassScheme) -> Iterator[_Row]:
    kept, right = truth["on_kept"], _shown(truth["on_kept"]["accuracy"])
    if truth["kept"] == 1:
        yield _Row(f"Against {truth['labels']}: accuracy {right}")
        yield from _right_rows(truth, scheme)
        yield _Row("IoU (all: mean)", (kept["miou"], *_per_class(kept["iou"], scheme)))
        return
    yield _Row(f"Against {truth['labels']}: accuracy {right} on the {_shown(truth['kept'])} that are kept")
    yield _Row("pixels kept", (truth["kept"], *_per_class(truth["kept_classes"], scheme)))
    yield from _right_rows(truth, scheme)
    yield _Row("IoU of kept pixels (all: mean)", (kept["miou"], *_per_class(kept["iou"], scheme)))
    everywhere = truth["on_all"]
    yield _Row("IoU with unknown as missed", (everywhere["miou"], *_per_class(everywhere["iou"], scheme)))


def _right_rows(truth: Quality, scheme: ClassScheme) -> Iterator[_Row]:
    if right := truth.get("right_classes"):  # files of earlier releases lack it
        yield _Row("share that is right", (truth["on_all"]["accuracy"], *_per_class(right, scheme)))


def _agreement_rows(title: str, entry: Quality, scheme: ClassScheme) -> Iterator[_Row]:
    equal, known = _shown(entry["equal"]), _shown(entry["known_in_both"])
    yield _Row(f"{title}: equal on {equal} of the {known} that both know")
    yield _Row("IoU (all: mean)", (entry["miou"], *_per_class(entry["iou"], scheme)))


def _per_class(values: Quality, scheme: ClassScheme) -> tuple[float | None, ...]:
    return tuple(values[name] for name in scheme.classes)


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f} %"


def _html_row(row: _Row, columns: int) -> str:
    if not row.values:
        return f'<tr class="group"><th scope="rowgroup" colspan="{columns}"><span>{text(row.name)}</span></th></tr>'
    cells = "".join(f"<td>{percent(value)}</td>" for value in row.values)
    return f'<tr><th scope="row">{text(row.name)}</th>{cells}</tr>'
