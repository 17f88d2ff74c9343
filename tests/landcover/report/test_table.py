from __future__ import annotations

from landcover.report.table import result_table

TEACHERS = {
    "teachers": {
        "a": {"miou": 0.5, "labels": "truth", "iou": {"bareland": None, "building": 1.0}},
        "longer": {"miou": None, "labels": "truth", "iou": {"bareland": 0.06251, "building": 0.0}},
    }
}


def test_columns_are_aligned_in_percent_and_absent_classes_are_dashes():
    assert result_table(TEACHERS).splitlines() == [
        "IoU in %   mIoU  barel  range  devel   road   tree  water  agric  build",
        "Teachers, against truth",
        "  a        50.0      -      -      -      -      -      -      -  100.0",
        "  longer      -    6.3      -      -      -      -      -      -    0.0",
    ]


def test_every_stage_has_its_rows(metrics):
    lines = result_table(metrics).splitlines()

    assert [line.split()[0] for line in lines if line.startswith("  ")] == [
        *("teacher_a", "teacher_b", "teacher_a", "teacher_b"),
        *("published", "pseudo-labels", "net_a", "net_b", "ensemble,", "ensemble,"),
    ]
    assert max(map(len, lines)) <= 120
    assert all(line.isascii() for line in lines)


def test_without_scores_the_table_is_one_sentence():
    assert result_table({}) == "no scores: no labels to score against"
