from __future__ import annotations

from typing import Any

from stage2_sar_seg.registration.offset_summary import offset_lines


def record(rows: float, columns: float, status: str = "registered", changed: int = 0) -> dict[str, Any]:
    return {"offset": [rows, columns], "status": status, "pixels": 1000, "changed_pixels": changed}


def test_pairs_that_were_registered_and_those_that_were_not_are_told() -> None:
    left = {name: record(0, 0, "unsure") for name in ("t9", "t5", "t6", "t7")}
    tiles = {"t1": record(3, -4, changed=250), "t2": record(0, 1), "t3": record(0, 0, "constant"), **left}
    assert offset_lines({"method": "registration by phase", "tiles": tiles}) == [
        "registration by phase: registered 2 of 7 pairs, median offset 3.00 pixels; 250 of 7,000 pixels (3.6%) have "
        "another label",
        "left at offset 0, constant: 1 (t3)",
        "left at offset 0, unsure: 4 (t9, t5, t6 and 1 more)",
    ]


def test_without_any_registered_pair_there_is_no_median() -> None:
    lines = offset_lines({"method": "m", "tiles": {"a": record(0, 0, "no data")}})
    assert lines[0] == "m: registered 0 of 1 pairs; 0 of 1,000 pixels (0.0%) have another label"
