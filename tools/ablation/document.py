"""A study as a Markdown document."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from tools.ablation.results import Results
from tools.ablation.spread import Spread, spread

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
        "## Seeds",
        "Target mIoU of every seed, in %.",
        _seed_table(results),
        "## Time",
        _time_text(results),
        _time_table(results),
        *([reading.strip()] if reading.strip() else []),
        "## Command",
        f"```bash\nsource tools/environment.sh\n{results.command}\n```",
    ]
    return "\n\n".join(parts) + "\n"


def result_table(results: Results) -> str:
    """Rows with target mIoU, the differences to the first row and to the row that each adds to, as a Markdown table."""
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


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table, padded so that it also reads as plain text; numbers, from the third column on, to the right."""
    widths = [max(3, *(len(line[column]) for line in (header, *lines))) for column in range(len(header))]
    rule = ["-" * width if column < 2 else "-" * (width - 1) + ":" for column, width in enumerate(widths)]
    return "\n".join(_padded(line, widths) for line in (header, rule, *lines))


def _padded(cells: Sequence[str], widths: Sequence[int]) -> str:
    placed = [
        cell.ljust(width) if column < 2 else cell.rjust(width)
        for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
    ]
    return f"| {' | '.join(placed)} |"


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


def _cell(of: Spread | None, sign: bool = False) -> str:
    return of.text(sign=sign) if of else ABSENT
