"""The frame of the report: one HTML document with its style inside."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.report.markup import section, text

STYLE_SHEET = Path(__file__).with_name("style.css")


def html_page(title: str, head: str, sections: Sequence[tuple[str, str, str]]) -> str:
    """A whole document.

    Args:
        title: of the page.
        head: HTML below the title.
        sections: identifier, title and HTML of every section.
    """
    links = "".join(f'<li><a href="#{identifier}">{text(name)}</a></li>' for identifier, name, _ in sections)
    bodies = "\n".join(section(*parts) for parts in sections)
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(title)}</title>
<style>
{STYLE_SHEET.read_text(encoding="utf-8")}</style>
</head>
<body>
<header>
<h1>{text(title)}</h1>
{head}
<nav aria-label="Sections"><ul>{links}</ul></nav>
</header>
<main>
{bodies}
</main>
</body>
</html>
"""
