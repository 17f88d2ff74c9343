"""Table of IoU per class: teachers, training labels, SAR models, ensemble."""

from __future__ import annotations

from landcover.classes import ClassScheme
from landcover.report.markup import percent, scrolling, swatch, text
from landcover.report.results import Metrics, ScoreGroup, ScoreRow, score_groups, score_of

NO_SCORES = "<p>Nothing was scored: there are no manual labels to compare with.</p>"
CAPTION = (
    "IoU in percent. Bold: best of its column among rows scored against the same labels. "
    "En dash: the class occurs in neither map; it is left out of the mean."
)


def score_table(metrics: Metrics, scheme: ClassScheme) -> str:
    """HTML of the table, or one sentence if nothing was scored."""
    groups = score_groups(metrics)
    if not groups:
        return NO_SCORES
    heads = "".join(
        f'<th scope="col">{swatch(colour)}{text(name)}</th>'
        for name, colour in zip(scheme.classes, scheme.palette, strict=True)
    )
    bodies = "\n".join(_body(group, scheme) for group in groups)
    table = (
        f'<table class="scores"><caption><span>{CAPTION}</span></caption>\n'
        f'<thead><tr><th scope="col">scored</th><th scope="col">mIoU</th>{heads}</tr></thead>\n{bodies}\n</table>'
    )
    return scrolling("IoU per class", table)


def _body(group: ScoreGroup, scheme: ClassScheme) -> str:
    columns = len(scheme.classes) + 2
    head = (
        f'<tr class="group"><th scope="rowgroup" colspan="{columns}"><span>{text(group.title)} '
        f"<small>scored against {text(group.labels)}</small></span></th></tr>"
    )
    rows = "\n".join(_row(row, group, scheme) for row in group.rows)
    return f"<tbody>{head}\n{rows}</tbody>"


def _row(row: ScoreRow, group: ScoreGroup, scheme: ClassScheme) -> str:
    cells = "".join(_cell(row, group, column) for column in (None, *scheme.classes))
    name = text(row.name).replace("_", "_<wbr>")  # long names may wrap there on a phone
    return f'<tr><th scope="row">{name}</th>{cells}</tr>'


def _cell(row: ScoreRow, group: ScoreGroup, column: str | None) -> str:
    score, best = score_of(row, column), group.best(column)
    shown = percent(score)
    # Values that print alike are alike to the reader: all of them are bold.
    is_best = score is not None and best is not None and best > 0 and shown == percent(best)
    return f"<td>{f'<strong>{shown}</strong>' if is_best else shown}</td>"
