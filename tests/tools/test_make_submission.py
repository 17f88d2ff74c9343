"""What the options of stage 50 add."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import write_raster
from landcover.score_files.score_file import ScoreHeader, write_scores
from tools.make_submission import main

SIDE = 40
ROAD = np.full((SIDE, SIDE), 4, np.uint8)


@pytest.fixture
def arguments(tmp_path: Path) -> list[object]:
    """A run with one member that finds roads, half of whose only test tile is no data."""
    data, run = tmp_path / "data", tmp_path / "run"
    sar = np.ones((SIDE, SIDE), np.uint8)
    write_raster(data / "train" / "sar_images" / "a.tif", sar)
    write_raster(data / "train" / "rgb_images" / "a.tif", np.ones((SIDE, SIDE, 3), np.uint8))
    sar[:30] = 0
    write_raster(data / "test" / "sar_images" / "c.tif", sar)
    codes = np.zeros((8, SIDE, SIDE), np.uint8)
    codes[3] = 255
    header = ScoreHeader("net", OPEN_EARTH_MAP.name, "logit", 10.0, SIDE, SIDE, 8)
    (run / "scores" / "test" / "net").mkdir(parents=True)
    write_scores(run / "scores" / "test" / "net" / "c.tif", codes, header)
    (run / "pseudo_labels").mkdir()
    labels = ROAD.copy()
    labels[:20] = 6
    write_raster(run / "pseudo_labels" / "a.tif", labels)
    return ["--member", "net", "--dfc-root", data, "--run-dir", run]


def test_shares_stand_beside_those_of_the_pseudo_labels(arguments, tmp_path, run_main) -> None:
    code, printed = run_main(main, *arguments)
    assert code == 0
    lines = [line.split() for line in printed.splitlines()]
    assert ["no", "data", "75.00%", "0.00%"] in lines
    assert ["road", "100.00%", "50.00%"] in lines
    assert "warning: water is 0.00% of the submission, but 50.00% of the training labels" in printed
    assert not (tmp_path / "run" / "quick_looks").exists()


def test_other_labels_take_their_place(arguments, tmp_path, run_main) -> None:
    write_raster(tmp_path / "other" / "a.tif", ROAD)
    printed = run_main(main, *arguments, "--labels", tmp_path / "other")[1]
    assert ["road", "100.00%", "100.00%"] in [line.split() for line in printed.splitlines()]
    assert "warning: water" not in printed
    assert run_main(main, *arguments, "--labels", tmp_path / "nowhere")[0] == 2


def test_quick_looks_are_drawn_once(arguments, tmp_path, run_main) -> None:
    assert f"wrote {tmp_path / 'run' / 'quick_looks'}\n" in run_main(main, *arguments, "--quick-looks")[1]
    files = sorted(path.name for path in (tmp_path / "run" / "quick_looks").rglob("*.png"))
    assert files == ["c.png", "most_uncertain.png"]
    assert f"is there: {tmp_path / 'run' / 'quick_looks'}\n" in run_main(main, *arguments, "--quick-looks")[1]


def test_the_submission_is_scored_with_and_without_its_no_data(arguments, tmp_path, run_main) -> None:
    write_raster(tmp_path / "data" / "test" / "labels" / "c.tif", ROAD)
    printed = run_main(main, *arguments)[1]
    metrics = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert set(metrics) == {"teachers", "pseudo_labels", "sar_models", "ensemble", "submission"}
    assert (metrics["ensemble"]["miou"], metrics["submission"]["miou"]) == (1.0, 0.25)
    assert metrics["submission"]["no_data_left_out"]["miou"] == 1.0
    assert "75.00% of whose pixels are 0 (no data)" in printed


def test_the_stage_does_without_torch_which_takes_seconds_to_start() -> None:
    code = "import sys, tools.make_submission; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2]).returncode == 0
