from __future__ import annotations

import json
from dataclasses import replace

import pytest

from landcover.data_check.report import DataReport, SarStatistics
from landcover.errors import InputError

GOOD = DataReport(
    title="train",
    tiles=2,
    heights=(580, 1024),
    widths=(512, 512),
    without_georeference=1,
    label_files=2,
    class_shares={"unknown": 0.25, "tree": 0.75},
    sar=SarStatistics(mean=43.234, std=21.5, percentiles={1: 6.0, 99: 112.0}, no_data_share=0.0312),
    problems=(),
    warnings=("a.tif: no pixel with data",),
)
BAD = replace(GOOD, problems=("b.tif: damaged", "c.tif: too small"))


def test_lines_are_statistics_then_warnings_then_problems() -> None:
    assert BAD.lines() == [
        "train",
        "  tiles                 2",
        "  height                580..1024 pixels",
        "  width                 512..512 pixels",
        "  without georeference  1",
        "  label files           2",
        "    unknown             25.00%",
        "    tree                75.00%",
        "  SAR mean, deviation   43.23, 21.5",
        "  SAR percentiles       6 (1%), 112 (99%)",
        "  SAR no data           3.12%",
        "  warning: a.tif: no pixel with data",
        "  problem: b.tif: damaged",
        "  problem: c.tif: too small",
    ]


def test_lines_leave_out_what_was_not_measured() -> None:
    bare = replace(GOOD, class_shares={}, sar=None, warnings=())
    assert bare.lines() == GOOD.lines()[:6]


def test_json_survives_a_round_trip() -> None:
    content = BAD.to_json()
    assert json.loads(json.dumps(content, allow_nan=False)) == content
    assert content["heights"] == [580, 1024]
    assert content["problems"] == ["b.tif: damaged", "c.tif: too small"]
    assert content["sar"] == {
        "mean": 43.234,
        "std": 21.5,
        "percentiles": {"1": 6.0, "99": 112.0},
        "no_data_share": 0.0312,
    }
    assert replace(GOOD, sar=None).to_json()["sar"] is None


def test_only_problems_are_raised() -> None:
    GOOD.raise_if_problems()
    with pytest.raises(InputError) as caught:
        BAD.raise_if_problems()
    assert str(caught.value) == "2 problems in the data (train): b.tif: damaged; the others are listed above"
    with pytest.raises(InputError) as caught:
        replace(BAD, problems=BAD.problems[:1]).raise_if_problems()
    assert str(caught.value) == "1 problem in the data (train): b.tif: damaged"
