from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from stage2_sar_seg.registration.pairs.open_earth_map_sar import open_earth_map_sar_pairs


def test_demo_pairs_know_their_offset(demo_root: Path) -> None:
    pairs = demo_pairs(demo_root)
    shifts = json.loads((demo_root / "truth/train/shifts.json").read_text())
    assert [pair.name for pair in pairs] == [f"TrainArea_{n:03d}" for n in range(1, 5)]
    assert [pair.offset for pair in pairs] == [(-y, -x) for y, x in shifts.values()]
    assert all(1 <= np.hypot(*pair.offset) <= 3 for pair in pairs)


def test_pairs_of_open_earth_map_sar_are_taken_as_co_registered(demo_root: Path) -> None:
    pairs = open_earth_map_sar_pairs(demo_root / "DFC2025Track1")
    assert [pair.offset for pair in pairs] == [(0.0, 0.0)] * 4
    assert pairs[0].optical == demo_root / "DFC2025Track1/train/rgb_images/TrainArea_001.tif"


def test_missing_truth_is_told(demo_root: Path, tmp_path: Path) -> None:
    shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "DFC2025Track1")
    path = tmp_path / "truth/train/shifts.json"
    with pytest.raises(InputError, match=r"shifts\.json: expected the shifts of demo pairs, found none"):
        demo_pairs(tmp_path)
    path.parent.mkdir(parents=True)
    for text, message in (
        ('{"TrainArea_001": [1, 2]}', "expected a shift of TrainArea_002"),
        ("[1]", "something else"),
    ):
        path.write_text(text)
        with pytest.raises(InputError, match=message):
            demo_pairs(tmp_path)
