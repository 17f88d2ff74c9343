from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.report.quality_table import quality_html, quality_table

CLASSES = OPEN_EARTH_MAP.classes


def per_class(*values: float | None) -> dict[str, float | None]:
    """Values of the first classes, None for the others."""
    return {name: values[index] if index < len(values) else None for index, name in enumerate(CLASSES)}


def entry(equal: float, key: str = "equal", **more: float) -> dict[str, Any]:
    return {**more, key: equal, "miou": 0.25, "iou": per_class(0.5, 0.0)}


@pytest.fixture
def quality() -> dict[str, Any]:
    return {
        "name": "average of <net>",
        "tiles": 2,
        "pixels": 2000,
        "unknown": 0.0,
        "shares": per_class(0.75, 0.25),
        "confidence": {"mean": 0.6, "unknown": None, "classes": per_class(0.7, 0.3)},
        "agreement": {"published": entry(0.4, known_in_both=1.0)},
        "truth": {
            "labels": "manual labels of 2 train tiles",
            "pixels": 2000,
            "kept": 1.0,
            "kept_classes": per_class(1.0, 1.0),
            "right_classes": per_class(0.95, 0.75),
            "on_kept": entry(0.9, "accuracy"),
            "on_all": entry(0.9, "accuracy"),
        },
    }


def test_every_row_is_aligned_in_percent(quality: dict[str, Any]) -> None:
    none = "      -" * 6
    assert quality_table(quality).splitlines() == [
        "labels in %              all  barel  range  devel   road   tree  water  agric  build",
        "average of <net>: 2 tiles, 2,000 pixels",
        f"  share of the pixels  100.0   75.0   25.0{none}",
        f"  mean confidence       60.0   70.0   30.0{none}",
        "Against manual labels of 2 train tiles: accuracy 90.0 %",
        f"  share that is right   90.0   95.0   75.0{none}",
        f"  IoU (all: mean)       25.0   50.0    0.0{none}",
        "Against published labels: equal on 40.0 % of the 100.0 % that both know",
        f"  IoU (all: mean)       25.0   50.0    0.0{none}",
    ]


def test_what_a_stage_has_changed_is_compared_with_the_labels_before(quality: dict[str, Any]) -> None:
    before = {**quality["truth"], "on_kept": {**entry(0.5, "accuracy"), "miou": 0.125}}
    lines = quality_table({**quality, "truth_before": before}).splitlines()
    assert len(lines) == len(quality_table(quality).splitlines()) + 1
    assert lines[7].split() == ["IoU", "before", "(all:", "mean)", "12.5", "50.0", "0.0", *["-"] * 6]


def test_a_set_with_unknown_pixels_shows_coverage_and_what_was_there_before(quality: dict[str, Any]) -> None:
    truth = {**quality["truth"], "kept": 0.6, "kept_classes": per_class(0.8, 0.5), "on_all": entry(0.5, "accuracy")}
    dropped = {**quality, "unknown": 0.4, "truth": truth, "before_dropping": quality}
    lines = quality_table({**dropped, "between_teachers": {"a and b": entry(0.7, known_in_both=1.0)}}).splitlines()
    cells = {line[:37].strip(): line[37:].split()[:3] for line in lines if line.startswith("  ")}
    assert "Against manual labels of 2 train tiles: accuracy 90.0 % on the 60.0 % that are kept" in lines
    assert cells["pixels kept"] == ["60.0", "80.0", "50.0"]
    right = [line.split()[-9:-6] for line in lines if line.startswith("  share that is right")]
    assert right == [["50.0", "95.0", "75.0"], ["90.0", "95.0", "75.0"]]  # unknown pixels are missed; before
    assert cells["mean confidence (all: with unknown)"] == ["60.0", "70.0", "30.0"]
    assert [line for line in lines if line.startswith("  IoU with unknown as missed")]
    before = lines.index("Before pixels without agreement were dropped")
    assert "accuracy 90.0 %" in lines[before + 3]
    assert lines[-2] == "Between a and b: equal on 70.0 % of the 100.0 % that both know"
    assert lines[2].split()[-9] == "60.0"  # known pixels of the set, above 100.0 of the average
    assert lines[before + 1].split()[-9] == "100.0"
    assert max(map(len, lines)) <= 120 and all(line.isascii() for line in lines)


def test_the_page_shows_the_same_rows_escaped(quality: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "quality.json").write_text(json.dumps(quality))
    html = quality_html(tmp_path, OPEN_EARTH_MAP)
    assert "average of &lt;net&gt;: 2 tiles, 2,000 pixels" in html
    assert '<tr><th scope="row">mean confidence</th><td>60.0</td><td>70.0</td><td>30.0</td>' in html
    assert html.count("<tr") == html.count("</tr>") == 9


def test_a_quality_file_of_an_earlier_release_has_no_row_of_what_is_right(quality: dict[str, Any]) -> None:
    rows = len(quality_table(quality).splitlines())
    del quality["truth"]["right_classes"]
    lines = quality_table(quality).splitlines()
    assert len(lines) == rows - 1 and not any("that is right" in line for line in lines)


def test_a_missing_file_is_a_sentence_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    assert quality_html(tmp_path, OPEN_EARTH_MAP) == "<p>No quality of the pseudo-labels was counted.</p>"
    for content in ("{", "[]", '{"tiles": 1}'):
        (tmp_path / "quality.json").write_text(content)
        with pytest.raises(InputError, match=r"quality.json: expected the quality of label files, found "):
            quality_html(tmp_path, OPEN_EARTH_MAP)
