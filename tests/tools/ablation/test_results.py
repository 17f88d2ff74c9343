from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tools.ablation.results import Results


def test_a_row_without_the_one_before_it_has_no_difference(made_up: Results) -> None:
    gains = replace(made_up, rows=[made_up.rows[0], made_up.rows[2]]).gains()
    assert gains == [None, None]


def test_json_has_what_the_tables_have(made_up: Results) -> None:
    content = json.loads(json.dumps(made_up.to_json()))
    row = content["rows"][1]
    assert (row["name"], row["seeds"]["1"]["miou"]) == ("better", 0.56)
    assert row["miou"] == pytest.approx({"mean": 0.545, "sd": 0.03 / 2**0.5, "n": 2})
    assert row["difference"] == pytest.approx({"mean": 0.035, "sd": 0.01 / 2**0.5, "n": 2})
    assert row["iou"]["water"] is None and row["iou"]["road"] == row["miou"]
    assert content["rows"][0]["difference"] is None and content["rows"][0]["difference_to_first"] is None
    assert content["rows"][2]["difference_to_first"] == pytest.approx({"mean": 0.08, "sd": 0.04 / 2**0.5, "n": 2})
    assert content["training_seconds"]["best"] == {"0": 100.0, "1": None}


def test_json_tells_differences_within_groups(grouped: Results) -> None:
    rows = grouped.to_json()["rows"]
    assert [row["group"] for row in rows] == ["First", "First", "Second", "Second"]
    assert rows[2]["difference_to_first"] is None
    assert rows[3]["difference_to_first"]["mean"] == pytest.approx(-0.02)
