from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.label_file import read_labels, write_labels
from landcover.training.config import load_config
from stage2_sar_seg.registration.matcher import MATCHERS
from stage2_sar_seg.registration.pairs.demo import demo_pairs
from tools.ablation.document import document
from tools.ablation.matching_methods import CONFIG, METHODS
from tools.ablation.registration import OF_MODELS, _prepare, registration_study
from tools.ablation.registration_tables import Patches, label_rows, patch_rows, registration_sections
from tools.ablation.results import Results
from tools.ablation.study import Study

PATCHES = Patches("demo", "tiny scenes", "demo", Path("/d"), patch=192, search=32, count=9)


@pytest.fixture
def study(demo_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.setattr("tools.ablation.registration.write_demo", lambda *_, **__: None)
    monkeypatch.setattr("tools.ablation.registration.run_steps", lambda *_: None)
    (tmp_path / "registration" / "test_data").mkdir(parents=True)
    (tmp_path / "registration" / "test_data" / "demo.json").write_text("{}")
    return registration_study(demo_root, tmp_path / "registration", real_pairs=[("Real pairs", Path("/real"))])


def test_every_trained_matcher_is_trained_with_every_seed_and_the_others_run_once(study: Study) -> None:
    jobs = study.first_jobs([0, 1, 2])
    assert len(jobs) == 2 + 3 * 3
    assert len({job.folder for job in jobs}) == len({job.name for job in jobs}) == len(jobs)
    kinds = {job.name: [command.words[0].rpartition(".")[2] for command in job.commands] for job in jobs}
    after = ["match_patches", "match_patches", "register_labels"]
    assert kinds["phase"] == kinds["descriptor"] == after
    assert kinds["semi_sixteenth, seed 2"] == ["train", *after]


def test_matchers_differ_by_what_they_may_look_at(registered: None, study: Study) -> None:
    words = {job.name: job.commands[0].words for job in study.first_jobs([0])}
    semi, supervised = (words[f"{name}_sixteenth, seed 0"] for name in ("semi", "supervised"))
    assert "1/16" in semi and "1/16" in supervised and "1/16" not in words["supervised_all, seed 0"]
    configs = [load_config(CONFIG, method.options, stage="registration") for method in METHODS if method.labelled]
    assert [config.train_dataloader.dataset.unlabelled_per_labelled > 0 for config in configs] == [False, True, True]
    assert all(method.name in MATCHERS.module_dict for method in METHODS if not method.labelled)


def test_sar_models_learn_labels_as_they_are_registered_and_moved_by_the_known_offsets(study: Study) -> None:
    folders = [row.models[0].arguments[-1].split("/registration/")[-1] for row in study.rows]
    assert folders[0].endswith("stage2/labels/pseudo_labels")
    assert folders[1:-1] == ["matchers/descriptor/untrained/registered_labels"]
    assert folders[-1] == "known_offsets" and len({row.group for row in study.rows}) == 1
    assert set(OF_MODELS) <= {method.name for method in METHODS}


def test_labels_are_moved_by_the_known_offsets(study: Study, demo_root: Path, tmp_path: Path) -> None:
    labels = tmp_path / "stage2" / "labels"
    pairs = demo_pairs(demo_root)
    rng = np.random.default_rng(0)
    for pair in pairs:
        values = rng.integers(1, 9, (64, 64), dtype=np.uint8)
        write_labels(labels / "pseudo_labels" / f"{pair.name}.tif", values, OPEN_EARTH_MAP)
    _prepare(demo_root, tmp_path / "registration", labels)
    for pair in pairs:
        before, after = (
            read_labels(folder / f"{pair.name}.tif", OPEN_EARTH_MAP)
            for folder in (labels / "pseudo_labels", tmp_path / "registration" / "known_offsets")
        )
        down, right = (int(np.floor(value + 0.5)) for value in pair.offset)
        assert (after[8:-8, 8:-8] == before[8 + down : 56 + down, 8 + right : 56 + right]).all()


def write_results(folder: Path, offsets: dict[str, tuple[float, float]]) -> None:
    """Files of all methods with seeds 0 and 1, as the jobs leave them; the error is 1 px, with seed 1 it is 2 px."""
    for method in METHODS:
        for seed in (0, 1):
            place, error = method.place(folder, seed), 1.0 + seed * bool(method.labelled)
            scores = {"mean_error": error, "rmse": error, "cmr": {"1": 0.25, "2": 0.5, "5": 1.0}}
            (place / "patches" / "demo").mkdir(parents=True, exist_ok=True)
            content = json.dumps({**scores, "unmatched": {**scores, "mean_error": 12.0}})
            (place / "patches" / "demo" / "scores.json").write_text(content)
            written = place / "registered_labels"
            written.mkdir(exist_ok=True)
            tiles = {
                name: {"status": "registered" if number else "unsure", "offset": [y + error, x] if number else [0, 0]}
                for number, (name, (y, x)) in enumerate(offsets.items())
            }
            (written / "offsets.json").write_text(json.dumps({"tiles": tiles}))
            (written / "quality.json").write_text(json.dumps({"truth": {"on_all": {"miou": 0.5 + seed / 10}}}))


@pytest.fixture
def done(demo_root: Path, tmp_path: Path) -> Path:
    """Folder of a study whose jobs are done; labels are the truth, moved or not."""
    pairs = {pair.name: pair.offset for pair in demo_pairs(demo_root)}
    write_results(tmp_path, pairs)
    for name in pairs:
        for folder, truth in (("labels", "labels"), ("known_offsets", "sar_grid_labels")):
            values = read_labels(demo_root / "truth" / "train" / truth / f"{name}.tif", OPEN_EARTH_MAP)
            write_labels(tmp_path / folder / f"{name}.tif", values, OPEN_EARTH_MAP)
    return tmp_path


def test_patches_have_a_row_for_every_method_below_that_of_no_matching(done: Path) -> None:
    rows = patch_rows(done, METHODS, PATCHES, [0, 1])
    assert [row["title"] for row in rows] == ["no matching", *(method.title for method in METHODS)]
    assert [row["mean_error"] for row in rows] == [[12.0], [1.0], [1.0], *[[1.0, 2.0]] * 3]
    assert rows[1]["cmr_2"] == [0.5]


def test_labels_are_scored_on_the_sar_images(done: Path, demo_root: Path) -> None:
    rows = label_rows(demo_root, done, done / "labels", METHODS, [0, 1])
    sizes = [np.linalg.norm(pair.offset) for pair in demo_pairs(demo_root)]
    assert rows[0]["error"] == [pytest.approx(np.mean(sizes))]
    assert rows[0]["miou"][0] < rows[-1]["miou"][0] == 1.0
    assert [row["registered"] for row in rows] == [[0], [3], [3], *[[3, 3]] * 3, [4]]
    assert rows[1]["error"] == [pytest.approx((sizes[0] + 3) / 4)]
    assert rows[-2]["miou"] == [0.5, pytest.approx(0.6)]


def test_the_tables_stand_in_the_document_and_in_the_json(done: Path, demo_root: Path, made_up: Results) -> None:
    sections = registration_sections(demo_root, done, done / "labels", METHODS, [PATCHES], [0, 1])
    results = replace(made_up, sections=sections)
    text = document(results)
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in text.splitlines() if line[:1] == "|"]
    assert ["S2M2-SAR, all labelled", "1.50 ± 0.71", "1.50 ± 0.71", "25.0 ± 0.0", "50.0 ± 0.0", "100.0 ± 0.0"] in lines
    assert ["orientation descriptor", "1.00", "1.00", "25.0", "50.0", "100.0"] in lines
    assert text.index("## Patches of tiny scenes") < text.index("## Labels after stage 22") < text.index("## Result")
    assert results.to_json()["labels"][0]["title"] == "as they are"
