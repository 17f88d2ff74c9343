"""Stage 22 as a user runs it: it goes on after a kill, and stage 30 is told to train on what it wrote."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from stages import ROOT, run_stage, settings
from stand_in_matcher import KILL_AT, write_tiles

from stage2_sar_seg.register_labels import main

CALLS_PER_TILE = 4
"""Patches of a tile."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Of five tiny tiles, whose labels are given."""
    data = write_tiles(tmp_path)
    return settings(data, tmp_path / "run") | {
        "DFC_ROOT": str(data),
        "TRUTH_ROOT": str(tmp_path / "truth"),
        "LABELS": str(tmp_path / "labels"),
        "REGISTER": "stand_in",
        "PLUGINS": "stand_in_matcher",
        "PYTHONPATH": str(ROOT / "tests"),
    }


def test_none_is_a_line_and_no_work(environment: dict[str, str], tmp_path: Path) -> None:
    call = run_stage("22_register_labels.sh", environment | {"REGISTER": "none"})
    assert (call.returncode, call.stdout) == (0, "REGISTER=none: the labels stay where they are\n")
    assert not (tmp_path / "run").exists()


def test_a_killed_stage_goes_on_where_it_was_and_ends_byte_for_byte_the_same(
    registered: None, run_main: Callable[..., tuple[int, str]], environment: dict[str, str], tmp_path: Path
) -> None:
    whole, killed = tmp_path / "whole" / "registered_labels", tmp_path / "run" / "registered_labels"
    roots = {"--dfc-root": "DFC_ROOT", "--truth-root": "TRUTH_ROOT", "--labels": "LABELS"}
    words = [word for option, name in roots.items() for word in (option, environment[name])]
    assert run_main(main, "--method", "stand_in", *words, "--run-dir", whole.parent)[0] == 0
    call = run_stage("22_register_labels.sh", environment | {KILL_AT: str(CALLS_PER_TILE + 2)})
    assert call.returncode == 128 + signal.SIGKILL
    assert {path.name for path in killed.glob("*.tif")} == {"a.tif"} and not (killed / "manifest.json").exists()
    (killed / "a.tif").unlink()  # as if killed between the offset and the label file
    # The offset of a tile that has one is not sought again: b is the first of three with patches to compare.
    call = run_stage("22_register_labels.sh", environment | {KILL_AT: str(2 * CALLS_PER_TILE + 1)})
    assert call.returncode == 0 and call.stdout.startswith(f"wrote 5 label files in {killed}\n"), call.stderr
    assert "registration by stand_in: labels: 0/5" in call.stderr
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in (whole, killed)]
    assert contents[0] == contents[1]
