from __future__ import annotations

import json
from pathlib import Path

import pytest

from landcover.errors import InputError
from stage2_sar_seg.registration.offset_files import OffsetFiles, read_offsets

RECORD = {"offset": [0.1, -2.5], "status": "registered"}


def test_an_offset_is_there_as_soon_as_it_is_written_for_whoever_comes_later(tmp_path: Path) -> None:
    offsets = OffsetFiles(tmp_path)
    assert offsets.read("a") is None
    offsets.write("a", RECORD)
    assert offsets.read("a") == OffsetFiles(tmp_path).read("a") == RECORD
    assert offsets.read("b") is None


def test_all_offsets_are_collected_in_one_file_by_name_and_still_known(tmp_path: Path) -> None:
    offsets = OffsetFiles(tmp_path)
    for tile in "ba":
        offsets.write(tile, RECORD)
    path = offsets.collect("ba", {"method": "phase"})
    assert list(tmp_path.iterdir()) == [path] == [tmp_path / "offsets.json"]
    assert path.read_text() == json.dumps({"method": "phase", "tiles": {"a": RECORD, "b": RECORD}}, indent=2) + "\n"
    later = OffsetFiles(tmp_path)
    assert later.read("b") == read_offsets(path)["tiles"]["b"] == RECORD
    assert later.collect("ab", {"method": "phase"}).read_text() == path.read_text()  # nothing new: the same again


def test_a_damaged_file_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "offsets.json").write_text("{")
    with pytest.raises(InputError, match=r"offsets.json: expected JSON, found .*; delete the file and run this stage"):
        OffsetFiles(tmp_path).read("a")
