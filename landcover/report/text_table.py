"""Tables as plain text, Markdown or not: columns of equal width."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """Aligned lines of all rows, two spaces between columns, without a newline at the end.

    Args:
        rows: cells, of each row as many.
        texts: number of columns that stand to the left; the others, numbers, stand to the right.
    """
    return "\n".join("  ".join(row) for row in padded(rows, texts))


def markdown_table(header: Sequence[str], lines: Sequence[Sequence[str]], texts: int = 2) -> str:
    """A Markdown table, padded to read as plain text too; numbers, behind the first `texts` columns, to the right."""
    heads, rule, *rows = padded([header, ["---"] * len(header), *lines], texts)
    rule = ["-" * len(cell) if column < texts else "-" * (len(cell) - 1) + ":" for column, cell in enumerate(rule)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, rule, *rows))


def padded(rows: Sequence[Sequence[str]], texts: int) -> list[list[str]]:
    """The cells with the blanks that `text_table` gives them."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        [
            cell.ljust(width) if column < texts else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        for row in rows
    ]
