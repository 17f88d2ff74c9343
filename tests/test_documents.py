"""What the README quotes from measured documents is what they say."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


def tables(path: Path) -> list[str]:
    """Markdown tables of a document, each as one text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line if line.startswith("|") else "" for line in lines).replace("\n\n", "\0").split("\0")


@pytest.mark.parametrize(("study", "heading"), [("stage1", "what it adds"), ("stage2", "| mIoU, n = ")])
def test_the_readme_quotes_the_measured_table(study: str, heading: str) -> None:
    (measured,) = [table.strip() for table in tables(ROOT / "docs" / f"{study}.md") if heading in table]
    assert measured in [table.strip() for table in tables(ROOT / "README.md")]


@pytest.mark.parametrize("study", ["stage1", "stage2"])
def test_the_reading_stands_in_the_document(study: str) -> None:
    reading = (ROOT / "tools" / "ablation" / f"{study}_reading.md").read_text(encoding="utf-8").strip()
    assert reading in (ROOT / "docs" / f"{study}.md").read_text(encoding="utf-8")
