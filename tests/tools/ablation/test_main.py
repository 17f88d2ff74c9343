from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tools.ablation.__main__ import main

RunMain = Callable[..., tuple[int, str]]


def test_a_study_of_one_row_is_trained_scored_and_continued(
    run_main: RunMain, demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.ablation.__main__.ROOT", tmp_path)
    words = f"stage1 --rows dacs --seeds 0 1 --iterations 2 --jobs 2 --data {demo_root} --run-dir {tmp_path / 'runs'}"
    arguments = [*words.split(), "--json", str(tmp_path / "results.json")]
    code, output = run_main(main, *arguments)
    assert code == 0, output
    assert "2 trainings, 0 of them there" in output and "2/2 dacs, seed" in output
    table = output[output.index("|     |") :]
    content = json.loads((tmp_path / "results.json").read_text())
    mious = [content["rows"][0]["seeds"][seed]["miou"] for seed in "01"]
    assert mious[0] != mious[1] and min(mious) > 0
    assert f"{50 * sum(mious):.1f} ± " in table
    assert content["iterations"] == {"teacher_segformer_efficientnet_lite0": 2}
    assert not (tmp_path / "docs").exists()

    folder = tmp_path / "runs" / "stage1" / "dacs"
    model = folder / "0" / "teachers" / "teacher_segformer_efficientnet_lite0" / "model.pth"
    kept = [path.stat().st_mtime_ns for path in (model, *sorted((folder / "1" / "scores").rglob("*.tif")))]
    (folder / "0" / "scores" / "one_view" / "TrainArea_001.tif").unlink()
    code, again = run_main(main, *arguments)
    assert code == 0 and again[again.index("|     |") :] == table
    assert "2 trainings, 1 of them there" in again
    assert [path.stat().st_mtime_ns for path in (model, *sorted((folder / "1" / "scores").rglob("*.tif")))] == kept


def test_mistakes_are_told_in_one_line(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    cases = {
        "error: --rows: expected some of source_only, dacs, ": ["--rows", "dax"],
        "error: --jobs: expected 1 or more, found 0": ["--jobs", "0"],
        "error: --seeds: expected different numbers from 0 on, found [1, 1]": ["--seeds", "1", "1"],
        f"error: --data {tmp_path}: expected demo scenes": ["--data", tmp_path],
        "error: --real-pairs: expected none for stage1, found 1": ["--real-pairs", "three=/pairs"],
    }
    for expected, words in cases.items():
        code, message = run_main(main, "stage1", "--run-dir", tmp_path / "runs", "--data", demo_root, *words)
        assert (code, message.startswith(expected)) == (2, True), message
    assert not (tmp_path / "runs" / "stage1" / "dacs").exists()
