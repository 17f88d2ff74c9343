"""What the README quotes from measured documents is what they say."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[1]


def tables(path: Path) -> list[str]:
    """Markdown tables of a document, each as one text."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return "\n".join(line if line.startswith("|") else "" for line in lines).replace("\n\n", "\0").split("\0")


def test_the_readme_quotes_the_measured_table_of_stage_1() -> None:
    (measured,) = [table.strip() for table in tables(ROOT / "docs" / "stage1.md") if "what it adds" in table]
    assert measured in [table.strip() for table in tables(ROOT / "README.md")]


def test_the_reading_stands_in_the_document() -> None:
    reading = (ROOT / "tools" / "ablation" / "stage1_reading.md").read_text(encoding="utf-8").strip()
    assert reading in (ROOT / "docs" / "stage1.md").read_text(encoding="utf-8")
