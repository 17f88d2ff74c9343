"""A study as a Markdown document."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from landcover.report.text_table import markdown_table
from tools.ablation.results import Results, RowResult
from tools.ablation.spread import Spread, spread
from tools.ablation.study import Matrix

ABSENT = "-"


def document(results: Results, reading: str = "") -> str:
    """The whole document.

    Args:
        results: of all rows.
        reading: what the maintainers wrote about them, appended as it is.
    """
    parts = [
        # The command as it was given stands at the end: a comment can not hold its dashes.
        f"<!-- Written by: python -m tools.ablation {results.study}. Not to be edited; the section Reading is "
        f"tools/ablation/{results.study}_reading.md. -->",
        f"# {results.title}",
        results.about,
        _setting(results),
        *results.sections.parts,
        *(_grouped(results) if results.rows[0].group else _ungrouped(results)),
        "## Seeds",
        "mIoU of every seed, in %.",
        _seed_table(results),
        "## Time",
        _time_text(results),
        _time_table(results),
        *([reading.strip()] if reading.strip() else []),
        "## Command",
        f"```bash\nsource tools/environment.sh\n{results.command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _ungrouped(results: Results) -> list[str]:
    """Sections of a study that adds part to part."""
    return [
        "## Result",
        _wrapped(
            f"mIoU of label maps against {results.labels}, in %, as mean ± sample standard deviation over "
            f"{len(results.seeds)} seeds. One confusion matrix over all tiles. Differences are paired by seed: mean ± "
            "standard deviation of the differences, to the first row and to the row to which a part is added."
        ),
        result_table(results),
        "## Classes",
        _wrapped(
            f"IoU against {results.labels}, and mIoU of the row's models on the source's validation tiles (one view; "
            "the mean over the models where there are two), in %."
        ),
        _class_table(results),
    ]


def _grouped(results: Results) -> list[str]:
    """Sections of a study that compares variants, each group with its first row."""
    parts = [
        _wrapped(
            f"Everything is IoU of label maps against {results.labels}, in %, from one confusion matrix over all "
            f"tiles. mIoU is the mean ± sample standard deviation over {len(results.seeds)} seeds; a difference is "
            "that to the first row of its table, paired by seed: mean ± standard deviation of the differences. Classes "
            "are means over seeds."
        )
    ]
    if results.matrix is not None:
        parts += [f"## {results.matrix.title}", matrix_table(results, results.matrix)]
    for group, rows in results.groups().items():
        parts += [f"## {group}", _group_table(results, rows)]
    return parts


def matrix_table(results: Results, matrix: Matrix) -> str:
    """mIoU of the rows of a matrix, as a Markdown table."""
    rows = {row.name: row for row in results.rows}
    lines = [
        [title, *(_cell(rows[name].miou()) for name in names)]
        for title, names in zip(matrix.lines, matrix.names, strict=True)
    ]
    return markdown_table([f"mIoU, n = {len(results.seeds)}", *matrix.columns], lines, texts=1)


def _group_table(results: Results, rows: Sequence[RowResult]) -> str:
    names = results.scheme.classes
    lines = [
        [
            row.title,
            _cell(row.miou()),
            _cell(row.gain(rows[0]) if row is not rows[0] else None, sign=True),
            *(_mean(row.iou(name)) for name in names),
        ]
        for row in rows
    ]
    return markdown_table(["", "mIoU", "difference", *names], lines, texts=1)


def result_table(results: Results) -> str:
    """mIoU and differences of all rows, as Markdown: one table, or one for each group."""
    if results.rows[0].group:
        return "\n\n".join(f"{group}\n\n{_group_table(results, rows)}" for group, rows in results.groups().items())
    numbers = {row.name: str(number) for number, row in enumerate(results.rows, start=1)}
    lines = [
        [
            numbers[row.name],
            row.title,
            _cell(row.miou()),
            _cell(over_first, sign=True),
            f"{_cell(gain, sign=True)} to {numbers[row.before]}" if gain and row.before else ABSENT,
        ]
        for row, gain, over_first in zip(results.rows, results.gains(), results.gains_over_first(), strict=True)
    ]
    return markdown_table(["", "", f"target mIoU, n = {len(results.seeds)}", "to row 1", "what it adds"], lines)


def _setting(results: Results) -> str:
    lengths = ", ".join(f"{count} of `{name}`" for name, count in results.iterations.items())
    note = " (set by the command: shorter or longer than the configs say)" if results.shortened else ""
    machines = "; ".join(results.machines)
    return _wrapped(f"Iterations: {lengths}{note}. Seeds: {', '.join(map(str, results.seeds))}. Machine: {machines}.")


def _class_table(results: Results) -> str:
    names = results.scheme.classes
    lines = [
        [str(number), row.title, *(_cell(row.iou(name)) for name in names), _cell(row.source_miou())]
        for number, row in enumerate(results.rows, start=1)
    ]
    return markdown_table(["", "", *names, "source mIoU"], lines)


def _seed_table(results: Results) -> str:
    lines = [
        [str(number), row.title, *(f"{100 * row.scores[seed].miou:.1f}" for seed in results.seeds)]
        for number, row in enumerate(results.rows, start=1)
    ]
    return markdown_table(["", "", *(f"seed {seed}" for seed in results.seeds)], lines)


def _time_text(results: Results) -> str:
    return _wrapped(
        f"Seconds per training, {results.jobs} at a time. All trainings and predictions together took "
        f"{results.job_seconds / 60:.0f} minutes in sum. Rows with equal trainings share them."
    )


def _time_table(results: Results) -> str:
    lines = [
        [str(number), f"`{name}`", _seconds(spread(list(by_seed.values())))]
        for number, (name, by_seed) in enumerate(results.seconds.items(), start=1)
    ]
    return markdown_table(["", "training", "seconds"], lines)


def _wrapped(text: str) -> str:
    return textwrap.fill(text, width=120, break_long_words=False, break_on_hyphens=False)


def _seconds(of: Spread | None) -> str:
    return of.text(scale=1.0, digits=0) if of else ABSENT


def _mean(of: Spread | None) -> str:
    return f"{100 * of.mean:.1f}" if of else ABSENT


def _cell(of: Spread | None, sign: bool = False) -> str:
    return of.text(sign=sign) if of else ABSENT
