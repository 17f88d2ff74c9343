from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landcover.errors import InputError
from landcover.prediction.map_parts import MADE_FROM, Part, PartsFolder, cut_into_parts, differences, longest_run, runs

MADE = {"scene": "abc", "flips": ("none", "both")}
PART = Part(slice(0, 2), slice(0, 3))
PIXELS = np.array([[1, 2, 3], [4, 5, 6]], np.uint8)


@given(height=st.integers(1, 3000), width=st.integers(1, 3000), strip=st.integers(1, 6))
def test_parts_cover_every_pixel_once(height: int, width: int, strip: int) -> None:
    covered = np.zeros((height, width), np.uint8)
    for part in cut_into_parts(height, width, strip * 256):
        assert part.rows.stop - part.rows.start <= 512
        assert part.columns.stop - part.columns.start <= strip * 256
        assert part.rows.start % 256 == part.columns.start % 256 == 0
        covered[part.rows, part.columns] += 1
    assert (covered == 1).all()


def test_strips_are_of_about_equal_width() -> None:
    parts = cut_into_parts(10, 20000, 8192)
    assert [part.columns for part in parts] == [slice(0, 6912), slice(6912, 13824), slice(13824, 20000)]


def test_parts_that_follow_each_other_are_one_run() -> None:
    parts = cut_into_parts(1100, 500, 256)
    assert [len(run) for run in runs(parts)] == [3, 3]
    assert runs([*parts[:1], *parts[2:]]) == [parts[:1], parts[2:3], parts[3:]]
    assert runs([]) == []
    assert [len(run) for run in runs(parts, 2)] == [2, 1, 2, 1]
    assert [len(run) for run in runs(parts, 3)] == [3, 3]


@pytest.mark.parametrize(
    ("parts", "processes", "longest"), [(20, 1, None), (20, 4, 5), (160, 4, 10), (70, 2, 9), (3, 4, 1), (0, 2, 1)]
)
def test_several_processes_take_runs_in_several_rounds_unless_these_are_short(parts, processes, longest):
    assert longest_run(parts, processes) == longest


def test_a_part_is_finished_when_all_of_its_images_are_there(tmp_path: Path) -> None:
    labels, both = PartsFolder(tmp_path / "parts", ["labels"]), PartsFolder(tmp_path / "parts", ["labels", "sure"])
    labels.begin(MADE)
    assert not labels.is_finished(PART)
    labels.write(PART, {"labels": PIXELS})
    assert labels.is_finished(PART)
    assert not both.is_finished(PART)
    ((top, left, pixels),) = labels.blocks([PART], "labels")
    assert (top, left) == (0, 0)
    np.testing.assert_array_equal(pixels, PIXELS)


def test_a_claimed_folder_keeps_its_parts_and_loses_what_is_half_written(tmp_path: Path) -> None:
    parts = PartsFolder(tmp_path / "parts", ["labels"])
    parts.begin(MADE)
    parts.write(PART, {"labels": PIXELS})
    before = sorted(path.name for path in parts.folder.iterdir())
    (parts.folder / ".123.labels_000000_000512.tif").write_bytes(b"half")
    parts.begin(MADE)
    assert sorted(path.name for path in parts.folder.iterdir()) == before


def test_a_folder_of_another_map_is_refused_and_left_alone(tmp_path: Path) -> None:
    parts = PartsFolder(tmp_path / "parts", ["labels"])
    parts.begin(MADE)
    parts.write(PART, {"labels": PIXELS})
    with pytest.raises(InputError, match=r"parts: expected parts of the same map, found those of another \(flips diff"):
        parts.begin({**MADE, "flips": ("none",)})
    assert parts.is_finished(PART)
    (parts.folder / MADE_FROM).unlink()
    with pytest.raises(InputError, match=r"found those of another \(of unknown origin\); choose another output"):
        parts.begin(MADE)


def test_differences_name_the_keys() -> None:
    assert differences(json.dumps(MADE), MADE) == ""
    assert differences(json.dumps({"scene": "abd"}), MADE) == "flips, scene differ"
    assert differences(json.dumps({**MADE, "more": 1}), MADE) == "more differs"
    for text in (None, "", "not json", "[1]"):
        assert differences(text, MADE) == "of unknown origin"
