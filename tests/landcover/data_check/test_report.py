from __future__ import annotations

import json
from dataclasses import replace

import pytest

from landcover.data_check.report import DataReport, SarStatistics, different_sar
from landcover.errors import InputError

GOOD = DataReport(
    title="train",
    tiles=2,
    heights=(580, 1024),
    widths=(512, 512),
    without_georeference=1,
    label_files=2,
    class_shares={"unknown": 0.25, "tree": 0.75},
    sar=(SarStatistics(mean=43.234, std=21.5, percentiles={1: 6.0, 99: 112.0}, no_data_share=0.0312, dtype="uint8"),),
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
    bare = replace(GOOD, class_shares={}, sar=(), warnings=())
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
        "band": "",
        "dtype": "uint8",
    }
    assert replace(GOOD, sar=()).to_json()["sar"] is None


def test_bands_have_lines_and_entries_of_their_own() -> None:
    vv = SarStatistics(-11.25, 4.0, {1: -22.0, 99: -2.0}, 0.0312, "VV", "float32")
    both = replace(GOOD, sar=(vv, replace(vv, mean=-18.5, band="2")))
    assert both.lines()[8:13] == [
        "  SAR VV mean, deviation -11.25, 4",
        "  SAR VV percentiles    -22 (1%), -2 (99%)",
        "  SAR 2 mean, deviation -18.5, 4",
        "  SAR 2 percentiles     -22 (1%), -2 (99%)",
        "  SAR no data           3.12%",
    ]
    entries = both.to_json()["sar"]
    assert isinstance(entries, list) and [entry["mean"] for entry in entries] == [-11.25, -18.5]


def test_sar_images_of_another_type_or_other_bands_are_told_of() -> None:
    band = GOOD.sar[0]
    test = replace(GOOD, title="test", sar=(replace(band, dtype="uint16"),))
    assert different_sar([GOOD, replace(GOOD, title="val"), replace(GOOD, sar=())]) == []
    assert different_sar([GOOD, replace(GOOD, title="source", sar=()), test]) == [
        "SAR images differ: uint8 in train but uint16 in test; a model reads those of its training, convert them to "
        "one kind"
    ]
    both = replace(GOOD, title="both", sar=(replace(band, band="VV"), replace(band, band="VH")))
    assert different_sar([GOOD, both])[0].startswith("SAR images differ: uint8 in train but uint8 of VV, VH in both;")


def test_only_problems_are_raised() -> None:
    GOOD.raise_if_problems()
    with pytest.raises(InputError) as caught:
        BAD.raise_if_problems()
    assert str(caught.value) == "2 problems in the data (train): b.tif: damaged; the others are listed above"
    with pytest.raises(InputError) as caught:
        replace(BAD, problems=BAD.problems[:1]).raise_if_problems()
    assert str(caught.value) == "1 problem in the data (train): b.tif: damaged"
