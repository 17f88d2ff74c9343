from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.open_earth_map import open_earth_map_tiles
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.score_files.score_file import DEFAULT_LOG_RANGE, ScoreHeader, write_scores
from landcover.training.config import load_config
from tools.ablation.__main__ import main
from tools.ablation.document import document, markdown_table, result_table
from tools.ablation.folds import fold_root
from tools.ablation.jobs import Command, Job, locked, run_jobs
from tools.ablation.measure import plan_jobs, score_row, score_rows
from tools.ablation.results import Results, RowResult, Score
from tools.ablation.spread import Spread, paired_difference, spread
from tools.ablation.stage1 import CONVNEXT, PROFILE, SEGFORMER, demo_views, stage1_study
from tools.ablation.study import Model, Part, Row, Study, Views

RunMain = Callable[..., tuple[int, str]]

scores = st.lists(st.floats(0, 1), min_size=2, max_size=6)


@pytest.fixture
def study(demo_root: Path, tmp_path: Path) -> Study:
    return stage1_study(demo_root, tmp_path)


@given(scores)
def test_mean_and_sample_standard_deviation(values: list[float]) -> None:
    found = spread(values)
    assert found is not None and found.deviation is not None and found.count == len(values)
    assert found.mean == pytest.approx(np.mean(values), abs=1e-12)
    assert found.deviation == pytest.approx(np.std(values, ddof=1), abs=1e-12)


@given(scores)
def test_differences_are_paired(values: list[float]) -> None:
    before = [value / 2 for value in reversed(values)]
    found = paired_difference(values, before)
    pairs = np.array(values) - np.array(before)
    assert found is not None and found.deviation is not None
    assert (found.mean, found.deviation) == pytest.approx((pairs.mean(), pairs.std(ddof=1)), abs=1e-12)


def test_one_value_has_no_deviation_and_missing_values_no_spread() -> None:
    assert spread([0.25]) == Spread(0.25, None, 1)
    assert spread([]) is None
    assert spread([0.5, None]) is None
    assert paired_difference([0.5, 0.5], [0.25, None]) is None


def test_texts_are_in_percent_with_one_decimal() -> None:
    assert Spread(0.5525, 0.0126, 3).text() == "55.2 ± 1.3"
    assert Spread(0.012, 0.5, 3).text(sign=True) == "+1.2 ± 50.0"
    assert Spread(-0.012, None, 1).text(sign=True) == "-1.2"
    assert Spread(203.6, 4.4, 3).text(scale=1.0, digits=0) == "204 ± 4"


def test_every_row_changes_what_it_says(study: Study) -> None:
    found = {}
    for row in study.rows:
        for model in row.models:
            config = load_config(model.config, model.options, stage=1)
            data = config.train_dataloader.dataset
            changed = (
                config.self_training.target_weight,
                data.resolution_alignment.probability,
                data.source.rare_classes,
            )
            found[row.name, model.name] = (model.config.stem, *changed)
    rare = {"temperature": 0.1, "min_pixels": 200}
    assert found == {
        ("source_only", "source_only"): ("teacher_segformer", 0.0, 0.0, None),
        ("dacs", "dacs"): ("teacher_segformer", 1.0, 0.0, None),
        ("resolution_alignment", "resolution_alignment"): ("teacher_segformer", 1.0, 0.5, None),
        ("rare_classes", "rare_classes"): ("teacher_segformer", 1.0, 0.5, rare),
        ("test_time_views", "resolution_alignment"): ("teacher_segformer", 1.0, 0.5, None),
        ("two_seeds", "resolution_alignment"): ("teacher_segformer", 1.0, 0.5, None),
        ("two_networks", "resolution_alignment"): ("teacher_segformer", 1.0, 0.5, None),
        ("two_networks", "resolution_alignment_convnext"): ("teacher_upernet_convnext", 1.0, 0.5, None),
        ("oracle", "oracle_0"): ("teacher_segformer", 0.0, 0.0, None),
        ("oracle", "oracle_1"): ("teacher_segformer", 0.0, 0.0, None),
    }


def test_the_row_of_the_demo_is_the_demo(study: Study) -> None:
    (model,) = study.rows[2].models
    assert (model.config, model.options) == (SEGFORMER, ())


def test_both_architectures_are_trained_with_the_same_settings() -> None:
    first, second = (load_config(path).to_dict() for path in (SEGFORMER, CONVNEXT))
    assert first.pop("model") != second.pop("model")
    assert first == second


def test_views_are_those_of_the_profile_in_the_last_rows_only(study: Study) -> None:
    script = f'REPO_ROOT=. ; source "{PROFILE}"; echo $SCALES; echo $FLIPS'
    clean = {"PATH": os.environ["PATH"]}
    output = subprocess.run(["bash", "-c", script], env=clean, capture_output=True, text=True, check=True).stdout
    scales, flips = output.splitlines()
    assert demo_views().scales == tuple(map(float, scales.split()))
    assert demo_views().flips == tuple(flips.split())
    one = [row.name for row in study.rows if (row.views.scales, row.views.flips) == ((1.0,), ("none",))]
    assert one == ["source_only", "dacs", "resolution_alignment", "rare_classes", "oracle"]
    assert {row.views for row in study.rows if row.name not in one} == {demo_views()}


def test_a_shortened_study_shortens_every_training(demo_root: Path, tmp_path: Path) -> None:
    study = stage1_study(demo_root, tmp_path, iterations=7)
    assert {load_config(m.config, m.options).iterations for m in study.needed(study.rows)} == {7}


def test_an_oracle_never_saw_the_tiles_that_it_is_scored_on(study: Study, demo_root: Path, tmp_path: Path) -> None:
    for _ in range(2):  # the second time over the first links
        study.prepare()
    scored = []
    for fold, part in enumerate(study.rows[-1].parts):
        root = fold_root(tmp_path / "folds", fold)
        assert part.models[0].arguments[:2] == ("--oem-root", str(root))
        trained, missing = open_earth_map_tiles(root, ["train"])
        held_out, _ = open_earth_map_tiles(root, ["val"])
        assert missing == [] and len(trained) == 2
        assert {tile.name for tile in trained} | set(part.tiles) == set(study.truth)
        assert {tile.name for tile in trained} & set(part.tiles) == set()
        for tile in trained:
            assert tile.labels.read_bytes() == study.truth[tile.name].read_bytes()
        assert [tile.name for tile in held_out] == [
            tile.name for tile in open_earth_map_tiles(demo_root / "OpenEarthMap", ["val"])[0]
        ]
        scored += part.tiles
    assert sorted(scored) == sorted(study.truth)


def test_shared_models_are_trained_once_per_seed_and_seeds_come_one_after_the_other(
    study: Study, tmp_path: Path
) -> None:
    jobs = plan_jobs(study, study.rows, [0, 3], tmp_path, "data")
    assert len({job.folder for job in jobs}) == len(jobs) == 2 * 7
    names = [
        "source_only", "dacs", "resolution_alignment", "rare_classes", "resolution_alignment_convnext", "oracle_0",
        "oracle_1",
    ]  # fmt: skip
    assert [job.name for job in jobs] == [f"{name}, seed {seed}" for seed in (0, 3) for name in names]
    outputs = [[command.output.relative_to(job.folder).as_posix() for command in job.commands] for job in jobs]
    assert outputs[2] == ["teachers/teacher_segformer", "scores/one_view", "scores/demo_views"]
    assert outputs[4] == ["teachers/teacher_upernet_convnext", "scores/demo_views"]
    assert outputs[0] == ["teachers/teacher_segformer", "scores/one_view"]


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
        fingerprint(config=CONVNEXT),
    ]
    assert fingerprint() == found[0] and len(set(found)) == len(found)


def test_an_option_that_no_config_has_stops_the_study_before_it_starts(study: Study, tmp_path: Path) -> None:
    row = study.rows[0]
    wrong = replace(row, parts=(Part((replace(row.models[0], options=("nothing=1",)),), ()),))
    with pytest.raises(InputError, match="the config has no key 'nothing'"):
        plan_jobs(study, [wrong], [0], tmp_path, "data")


def test_a_row_may_average_a_seed_with_those_behind_it_in_a_circle(tmp_path: Path) -> None:
    model, views = Model("one", "m", Path("one.py"), (), (), "teachers"), Views("views")
    truth = np.array([[1, 2, 3, 4]], np.uint8)
    write_raster(tmp_path / "a.tif", truth)
    header = ScoreHeader(
        model="one", scheme=OPEN_EARTH_MAP.name, encoding="probability",
        log_range=DEFAULT_LOG_RANGE, height=1, width=4, classes=8,
    )  # fmt: skip
    for seed, right in ((0, 4), (1, 0), (2, 3)):  # pixels of which this seed is surely right; it is torn elsewhere
        codes = np.zeros((8, 1, 4), np.uint8)
        codes[7] = 100
        for place in range(right):
            codes[place, 0, place], codes[7, 0, place] = 250, 0
        write_scores(tmp_path / "one" / str(seed) / "scores" / "views" / "a.tif", codes, header)
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
            header = ScoreHeader(
                model=model.name, scheme=OPEN_EARTH_MAP.name, encoding="probability",
                log_range=DEFAULT_LOG_RANGE, height=6, width=5, classes=8,
            )  # fmt: skip
            folder = tmp_path / model.name / "4"
            write_scores(folder / "scores" / "views" / f"{tile}.tif", codes[model.name, tile], header)
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


def made_up() -> Results:
    """Three rows, two seeds; the class IoUs are the mIoU, and one class is absent with seed 1."""
    values = {"plain": (0.50, 0.52), "better": (0.53, 0.56), "best": (0.60, 0.58)}
    titles = list(values)

    def score(miou: float, seed: int) -> Score:
        iou: dict[str, float | None] = dict.fromkeys(OPEN_EARTH_MAP.classes, miou)
        if seed:
            iou["water"] = None
        return Score(miou, iou, 0.7 + miou / 5)

    return Results(
        study="made_up",
        title="Made up",
        about="Three rows.",
        labels="truth of 3 tiles",
        seeds=(0, 1),
        rows=[
            RowResult(name, f"the {name}", before, {seed: score(miou, seed) for seed, miou in enumerate(values[name])})
            for name, before in zip(titles, (None, *titles), strict=False)
        ],
        iterations={"config": 9},
        shortened=False,
        seconds={"plain": {0: 100.0, 1: 120.0}, "best": {0: 100.0, 1: None}},
        job_seconds=600.0,
        jobs=2,
        machines=["2 cores of a test"],
        versions={"torch": "0"},
        command="python -m tools.ablation made_up",
    )


def test_the_table_of_results() -> None:
    assert result_table(made_up()) == (
        "|     |            | target mIoU, n = 2 |   to row 1 |    what it adds |\n"
        "| --- | ---------- | -----------------: | ---------: | --------------: |\n"
        "| 1   | the plain  |         51.0 ± 1.4 |          - |               - |\n"
        "| 2   | the better |         54.5 ± 2.1 | +3.5 ± 0.7 | +3.5 ± 0.7 to 1 |\n"
        "| 3   | the best   |         59.0 ± 1.4 | +8.0 ± 2.8 | +4.5 ± 3.5 to 2 |"
    )


def test_a_row_without_the_one_before_it_has_no_difference() -> None:
    results = made_up()
    gains = replace(results, rows=[results.rows[0], results.rows[2]]).gains()
    assert gains == [None, None]


def test_everything_is_told() -> None:
    text = document(made_up(), reading="## Reading\n\nIt helps.\n")
    assert text.startswith("<!-- Written by: python -m tools.ablation made_up. Not to be edited;")
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Made up", "## Result", "## Classes", "## Seeds", "## Time", "## Reading", "## Command",
    ]  # fmt: skip
    assert result_table(made_up()) in text
    assert "Iterations: 9 of `config`. Seeds: 0, 1. Machine: 2 cores of a test." in text
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    assert ["2", "the better", *["54.5 ± 2.1"] * 5, "-", *["54.5 ± 2.1"] * 2, "80.9 ± 0.4"] in lines
    assert ["", "", "seed 0", "seed 1"] in lines and ["3", "the best", "60.0", "58.0"] in lines
    assert ["1", "`plain`", "110 ± 14"] in lines and ["2", "`best`", "-"] in lines
    assert "took 10 minutes in sum" in text
    assert "\nIt helps.\n" in text
    assert text.endswith("python -m tools.ablation made_up\n```\n")
    assert "## Reading" not in document(made_up())


def test_a_shortened_study_says_so() -> None:
    assert "9 of `config` (set by the command:" in document(replace(made_up(), shortened=True))


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert markdown_table(["", "b", "number"], [["1", "long", "2.0"]]) == (
        "|     | b    | number |\n| --- | ---- | -----: |\n| 1   | long |    2.0 |"
    )


def test_json_has_what_the_tables_have() -> None:
    content = json.loads(json.dumps(made_up().to_json()))
    row = content["rows"][1]
    assert (row["name"], row["seeds"]["1"]["miou"]) == ("better", 0.56)
    assert row["miou"] == pytest.approx({"mean": 0.545, "sd": 0.03 / 2**0.5, "n": 2})
    assert row["difference"] == pytest.approx({"mean": 0.035, "sd": 0.01 / 2**0.5, "n": 2})
    assert row["iou"]["water"] is None and row["iou"]["road"] == row["miou"]
    assert content["rows"][0]["difference"] is None and content["rows"][0]["difference_to_first"] is None
    assert content["rows"][2]["difference_to_first"] == pytest.approx({"mean": 0.08, "sd": 0.04 / 2**0.5, "n": 2})
    assert content["training_seconds"]["best"] == {"0": 100.0, "1": None}


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of modules that jobs can run: `good OUT` finishes, `bad` fails, `slow OUT` waits to be stopped."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    write = "import sys, os\nfrom pathlib import Path\nout = Path(sys.argv[1])\nout.mkdir(parents=True)\n"
    (folder / "good.py").write_text(
        f"{write}(out / 'threads').write_text(os.environ['OMP_NUM_THREADS'])\n"
        "(out / 'manifest.json').write_text('{\"files\": []}')"
    )
    (folder / "bad.py").write_text("import sys\nprint('a line')\nsys.exit('error: too bad')")
    (folder / "slow.py").write_text(write + "(out / 'pid').write_text(str(os.getpid()))\nimport time\ntime.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def job(folder: Path, *modules: str) -> Job:
    outputs = [folder / module for module in modules]
    commands = [Command("training", (module, str(out)), out) for module, out in zip(modules, outputs, strict=True)]
    return Job(folder.name, folder, tuple(commands), "data")


def test_a_finished_job_is_recorded_with_its_time(scripts: Path, tmp_path: Path) -> None:
    told = []
    ready, other = job(tmp_path / "ready", "good"), job(tmp_path / "other", "good")
    with locked(tmp_path) as lock:
        run_jobs([ready, other], 2, 3, "here", lock, lambda job, seconds, left: told.append((job.name, left)))
    assert sorted(name for name, _ in told) == ["other", "ready"] and [left for _, left in told] == [1, 0]
    assert ready.finished and not replace(ready, made_from="other data").finished
    assert ready.record()["machine"] == "here" and ready.record()["seconds"]["training"] > 0
    assert (tmp_path / "ready" / "good" / "threads").read_text() == "3"
    (tmp_path / "ready" / "good" / "manifest.json").unlink()
    assert not ready.finished


def test_a_failing_job_stops_the_others_and_gives_its_last_line(scripts: Path, tmp_path: Path) -> None:
    slow, bad, never = job(tmp_path / "slow", "slow"), job(tmp_path / "bad", "bad"), job(tmp_path / "never", "good")
    with locked(tmp_path) as lock, pytest.raises(InputError, match=r"^bad: training stopped with .*: too bad "):
        run_jobs([slow, bad, never], 2, 1, "here", lock, lambda job, seconds, left: None)
    assert not any(one.finished for one in (slow, bad, never)) and not never.folder.exists()
    assert slow.record()["seconds"]["training"] > 0  # what it had done counts
    pid = tmp_path / "slow" / "slow" / "pid"
    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_two_studies_never_share_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(InputError, match="expected no other study at work here"):
        with locked(tmp_path):
            pass
    with locked(tmp_path):
        pass


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
    assert content["iterations"] == {"teacher_segformer": 2}
    assert not (tmp_path / "docs").exists()

    folder = tmp_path / "runs" / "stage1" / "dacs"
    model = folder / "0" / "teachers" / "teacher_segformer" / "model.pth"
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
    }
    for expected, words in cases.items():
        code, message = run_main(main, "stage1", "--run-dir", tmp_path / "runs", "--data", demo_root, *words)
        assert (code, message.startswith(expected)) == (2, True), message
    assert not (tmp_path / "runs" / "stage1" / "dacs").exists()
