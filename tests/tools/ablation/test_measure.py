from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.score_files.score_file import DEFAULT_LOG_RANGE, ScoreHeader, write_scores
from tools.ablation.measure import plan_jobs, score_row, score_rows
from tools.ablation.stage1 import SEGFORMER, UPERNET
from tools.ablation.study import Model, Part, Row, Study, Views


def test_shared_models_are_trained_once_per_seed_and_seeds_come_one_after_the_other(
    study: Study, tmp_path: Path
) -> None:
    jobs = plan_jobs(study, study.rows, [0, 3], tmp_path, "data")
    assert len({job.folder for job in jobs}) == len(jobs) == 2 * 7
    names = [
        "source_only", "dacs", "resolution_alignment", "rare_classes", "resolution_alignment_upernet", "oracle_0",
        "oracle_1",
    ]  # fmt: skip
    assert [job.name for job in jobs] == [f"{name}, seed {seed}" for seed in (0, 3) for name in names]
    outputs = [[command.output.relative_to(job.folder).as_posix() for command in job.commands] for job in jobs]
    assert outputs[2] == ["teachers/teacher_segformer_efficientnet_lite0", "scores/one_view", "scores/demo_views"]
    assert outputs[4] == ["teachers/teacher_upernet_efficientnet_lite1", "scores/demo_views"]
    assert outputs[0] == ["teachers/teacher_segformer_efficientnet_lite0", "scores/one_view"]


def test_the_training_command_has_seed_place_and_options(study: Study, tmp_path: Path) -> None:
    words = plan_jobs(study, study.rows[1:2], [3], tmp_path, "data")[0].commands[0].words
    assert words[:2] == ("stage1_optical_da.train_teachers", str(SEGFORMER))
    pairs = dict(zip(words[2::2], words[3::2], strict=True))
    assert (pairs["--seed"], pairs["--run-dir"]) == ("3", str(tmp_path / "dacs" / "3"))
    assert pairs["--option"] == "train_dataloader.dataset.resolution_alignment.probability=0.0"


def test_a_job_is_another_one_when_options_config_or_data_change(study: Study, tmp_path: Path) -> None:
    def fingerprint(seed: int = 0, data: str = "data", **changed: object) -> str:
        row = study.rows[0]
        model = replace(row.models[0], **changed)  # type: ignore[arg-type]
        row = replace(row, parts=(Part((model,), row.parts[0].tiles),))
        return plan_jobs(study, [row], [seed], tmp_path, data)[0].fingerprint

    found = [
        fingerprint(),
        fingerprint(seed=1),
        fingerprint(data="other"),
        fingerprint(options=()),
        fingerprint(config=UPERNET),
    ]
    assert fingerprint() == found[0] and len(set(found)) == len(found)


def test_an_option_that_no_config_has_stops_the_study_before_it_starts(study: Study, tmp_path: Path) -> None:
    row = study.rows[0]
    wrong = replace(row, parts=(Part((replace(row.models[0], options=("nothing=1",)),), ()),))
    with pytest.raises(InputError, match="the config has no key 'nothing'"):
        plan_jobs(study, [wrong], [0], tmp_path, "data")


def write_codes(path: Path, codes: NDArray[np.uint8]) -> None:
    """Probabilities (8, H, W) as score file."""
    classes, height, width = codes.shape
    header = ScoreHeader("model", OPEN_EARTH_MAP.name, "probability", DEFAULT_LOG_RANGE, height, width, classes)
    write_scores(path, codes, header)


def test_a_row_may_average_a_seed_with_those_behind_it_in_a_circle(tmp_path: Path) -> None:
    model, views = Model("one", "m", Path("one.py"), (), (), "teachers"), Views("views")
    truth = np.array([[1, 2, 3, 4]], np.uint8)
    write_raster(tmp_path / "a.tif", truth)
    for seed, right in ((0, 4), (1, 0), (2, 3)):  # pixels of which this seed is surely right; it is torn elsewhere
        codes = np.zeros((8, 1, 4), np.uint8)
        codes[7] = 100
        for place in range(right):
            codes[place, 0, place], codes[7, 0, place] = 250, 0
        write_codes(tmp_path / "one" / str(seed) / "scores" / "views" / "a.tif", codes)
    row = Row("row", "Row", (Part((model,), ("a",), seeds=2),), views)
    study = Study("s", "S", "", lambda: None, (row,), tmp_path, {"a": tmp_path / "a.tif"}, "truth")
    (result,) = score_rows(study, [row], [0, 1, 2], tmp_path)
    found = [[score.iou[name] for name in OPEN_EARTH_MAP.classes[:4]] for score in result.scores.values()]
    assert found == [[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 1.0]]


def test_parts_add_up_to_one_confusion_matrix(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    first, second = (Model(name, "m", Path(f"{name}.py"), (), (), "teachers") for name in ("one", "two"))
    views = Views("views")
    codes: dict[tuple[str, str], NDArray[np.uint8]] = {}
    truth: dict[str, NDArray[np.uint8]] = {}
    for tile in ("a", "b", "c"):
        truth[tile] = rng.integers(0, 8, (6, 5), dtype=np.uint8)  # class 8 occurs in predictions only
        write_raster(tmp_path / f"{tile}.tif", truth[tile])
        for model in (first, second):
            codes[model.name, tile] = rng.integers(0, 256, (8, 6, 5), dtype=np.uint8)
            folder = tmp_path / model.name / "4" / "scores" / "views"
            write_codes(folder / f"{tile}.tif", codes[model.name, tile])
    for model, miou in ((first, 0.5), (second, 0.75)):
        folder = model.folder(tmp_path / model.name / "4")
        folder.mkdir(parents=True)
        (folder / "metrics.json").write_text(json.dumps({"miou": miou}))
    row = Row("row", "Row", (Part((first, second), ("a", "c")), Part((second,), ("b",))), views)
    study = Study(
        "s", "S", "", lambda: None, (row,), tmp_path, {tile: tmp_path / f"{tile}.tif" for tile in truth}, "truth"
    )

    score = score_row(study, row, tmp_path, [4])

    sums = {tile: codes["one", tile].astype(int) + codes["two", tile] for tile in ("a", "c")}
    sums["b"] = codes["two", "b"].astype(int)
    expected = np.concatenate([truth[tile].ravel() for tile in sums])
    predicted = np.concatenate([total.argmax(0).ravel() + 1 for total in sums.values()])[expected > 0]
    expected = expected[expected > 0]
    iou = [((expected == k) & (predicted == k)).sum() / ((expected == k) | (predicted == k)).sum() for k in range(1, 9)]
    assert list(score.iou.values()) == pytest.approx(iou)
    assert score.miou == pytest.approx(np.mean(iou))
    assert score.source_miou == 0.625
