from __future__ import annotations

from dataclasses import replace

from landcover.classes import OPEN_EARTH_MAP
from tools.ablation.document import document, matrix_table, result_table
from tools.ablation.results import Results


def test_the_table_of_results(made_up: Results) -> None:
    assert result_table(made_up) == (
        "|     |            | target mIoU, n = 2 |   to row 1 |    what it adds |\n"
        "| --- | ---------- | -----------------: | ---------: | --------------: |\n"
        "| 1   | the plain  |         51.0 ± 1.4 |          - |               - |\n"
        "| 2   | the better |         54.5 ± 2.1 | +3.5 ± 0.7 | +3.5 ± 0.7 to 1 |\n"
        "| 3   | the best   |         59.0 ± 1.4 | +8.0 ± 2.8 | +4.5 ± 3.5 to 2 |"
    )


def test_everything_is_told(made_up: Results) -> None:
    text = document(made_up, reading="## Reading\n\nIt helps.\n")
    assert text.startswith("<!-- Written by: python -m tools.ablation made_up. Not to be edited;")
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Made up", "## Result", "## Classes", "## Seeds", "## Time", "## Reading", "## Command",
    ]  # fmt: skip
    assert result_table(made_up) in text
    assert "Iterations: 9 of `config`. Seeds: 0, 1. Machine: 2 cores of a test." in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    assert ["2", "the better", *["54.5 ± 2.1"] * 5, "-", *["54.5 ± 2.1"] * 2, "80.9 ± 0.4"] in lines
    assert ["", "", "seed 0", "seed 1"] in lines and ["3", "the best", "60.0", "58.0"] in lines
    assert ["1", "`plain`", "110 ± 14"] in lines and ["2", "`best`", "-"] in lines
    assert "took 10 minutes in sum" in text
    assert "\nIt helps.\n" in text
    assert text.endswith("python -m tools.ablation made_up\n```\n")
    assert "## Reading" not in document(made_up)


def test_a_shortened_study_says_so(made_up: Results) -> None:
    assert "9 of `config` (set by the command:" in document(replace(made_up, shortened=True))


def test_rows_are_compared_with_the_first_of_their_group(grouped: Results) -> None:
    first, second = result_table(grouped).split("\n\n")[1::2]
    classes = " | ".join(OPEN_EARTH_MAP.classes)
    assert " | ".join(word.strip() for word in first.splitlines()[0].strip("| ").split("|")) == (
        f"mIoU | difference | {classes}"
    )
    cells = [[cell.strip() for cell in line.strip("|").split("|")][:4] for line in (first + "\n" + second).splitlines()]
    assert cells[2] == ["the a", "30.0 ± 7.1", "-", "25.0"]
    assert cells[3] == ["the b", "36.0 ± 8.5", "+6.0 ± 1.4", "25.0"]
    assert cells[6] == ["the c", "50.0 ± 0.0", "-", "25.0"]
    assert cells[7] == ["the d", "48.0 ± 1.4", "-2.0 ± 1.4", "25.0"]


def test_a_matrix_shows_rows_in_two_dimensions(grouped: Results) -> None:
    assert grouped.matrix is not None
    assert matrix_table(grouped, grouped.matrix).splitlines() == [
        "| mIoU, n = 2 |       left |      right |",
        "| ----------- | ---------: | ---------: |",
        "| up          | 30.0 ± 7.1 | 36.0 ± 8.5 |",
        "| down        | 50.0 ± 0.0 | 48.0 ± 1.4 |",
    ]


def test_the_document_has_a_section_per_group(grouped: Results) -> None:
    text = document(grouped, "## Reading\n\nWhat we make of it.")
    sections = [line for line in text.splitlines() if line.startswith("#")]
    assert sections == [
        "# A title",
        "## M",
        "## First",
        "## Second",
        "## Seeds",
        "## Time",
        "## Reading",
        "## Command",
    ]
    assert "source mIoU" not in text
