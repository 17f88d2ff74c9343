"""The benchmark of stage 50, with few small tiles."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.label_file import read_labels
from landcover.images.raster import read_raster
from landcover.score_files.score_file import ScoreFile, read_scores
from tools.benchmarks._score_fields import field_codes, true_labels
from tools.benchmarks._score_run import MODELS, ScoreRun


@pytest.fixture(scope="module")
def made_up(tmp_path_factory: pytest.TempPathFactory) -> ScoreRun:
    """Five tiles of two that differ."""
    run = ScoreRun(tmp_path_factory.mktemp("run"))
    run.make_up(2, 64)
    run.multiply(5)
    return run


def test_few_tiles_lie_under_many_names(made_up: ScoreRun) -> None:
    assert made_up.models() == list(MODELS)
    folder = made_up.run / "scores" / "test" / MODELS[0]
    paths = sorted(folder.iterdir())
    assert [path.name for path in paths] == [f"TestArea_000{tile}.tif" for tile in range(5)]
    assert [path.samefile(paths[tile % 2]) for tile, path in enumerate(paths)] == [True] * 5
    assert not paths[0].samefile(paths[1])
    for name in ("sar_images", "labels"):
        assert len(list((made_up.data / "test" / name).iterdir())) == 5


def test_score_files_hold_the_fields_of_their_model_and_where_the_sar_image_has_no_data(made_up: ScoreRun) -> None:
    for tile, corner in enumerate((32 * 33 // 2, 0)):
        name = f"TestArea_{tile:04d}.tif"
        labels = read_labels(made_up.data / "test" / "labels" / name, OPEN_EARTH_MAP)
        np.testing.assert_array_equal(labels, true_labels(tile, 64))
        path = made_up.run / "scores" / "test" / MODELS[1] / name
        np.testing.assert_array_equal(read_scores(path)[1], field_codes(tile, 1, 64))
        no_data = ScoreFile(path).no_data()
        assert no_data is not None and np.count_nonzero(no_data) == corner
        sar = read_raster(made_up.data / "test" / "sar_images" / name).pixels
        np.testing.assert_array_equal(sar == 0, no_data)


def test_given_scores_are_copied_under_names_of_models(made_up: ScoreRun, tmp_path: Path) -> None:
    run = ScoreRun(tmp_path)
    run.copy(made_up.run / "scores" / "test")
    run.multiply(3)
    name = Path("scores") / "test" / MODELS[3] / "TestArea_0001.tif"
    assert (run.run / name).read_bytes() == (made_up.run / name).read_bytes()
    assert run.share_of_codes() == pytest.approx(made_up.share_of_codes(), abs=0.02)


def test_the_whole_stage_is_measured(run_benchmark: Callable[[str, str], str]) -> None:
    printed = run_benchmark("submission", "--tiles 3 --side 64 --distinct 2 --labelled")
    result = json.loads(printed.splitlines()[-1])
    assert list(result) == ["wall_seconds", "cpu_seconds", "cpu_ms_per_tile", "bytes"]
    assert all(value > 0 for value in result.values())
    assert result["cpu_ms_per_tile"] == pytest.approx(1e3 * result["cpu_seconds"] / 3, rel=1e-3)
    assert "4 models, 3 tiles" in printed
