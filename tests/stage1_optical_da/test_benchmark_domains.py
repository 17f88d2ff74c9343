"""Stages 10 and 20 on the domains of benchmarks."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from benchmark_folders import write_loveda, write_potsdam, write_vaihingen

from landcover.classes.scheme_file import find_scheme
from landcover.images.label_file import read_labels
from landcover.networks.model_file import MODEL_NAME, read_model_info
from stage1_optical_da.train_teachers import main as train
from stage1_optical_da.write_pseudo_labels import main as write
from tools.map_tiles import main as map_tiles

RunMain = Callable[..., tuple[int, str]]


def of_loveda(root: Path, run: Path) -> list[object]:
    return ["--dfc-root", root, "--run-dir", run, "--target-data", "loveda-urban", "--classes", "loveda"]


@pytest.fixture
def loveda(tmp_path: Path) -> Path:
    return write_loveda(tmp_path / "LoveDA", side=40)


def test_a_teacher_of_loveda_learns_adapts_is_scored_and_maps_what_its_paper_says(
    run_main: RunMain, registered: None, tiny_teacher: Path, loveda: Path, tmp_path: Path
) -> None:
    run, scheme = tmp_path / "run", find_scheme("loveda")
    words = [*of_loveda(loveda, run), "--oem-root", loveda, "--source-data", "loveda-rural"]
    assert run_main(train, tiny_teacher, *words, "--option", "iterations=2")[0] == 0
    folder = run / "teachers" / "tiny"
    assert read_model_info(folder / MODEL_NAME).scheme == scheme
    metrics = json.loads((folder / "metrics.json").read_text())
    truth = [read_labels(path, scheme) for path in sorted((loveda / "Val/Urban/masks_png").iterdir())]
    assert (metrics["labels"], metrics["pixels"]) == ("loveda-urban val", np.count_nonzero(truth))

    code, printed = run_main(write, "tiny", *of_loveda(loveda, run))
    assert code == 0 and "wrote 2 label files" in printed and "IoU (all: mean)" in printed
    quality = json.loads((run / "pseudo_labels" / "quality.json").read_text())
    assert quality["truth"]["labels"] == "labels of 2 val tiles of loveda-urban"
    found = [read_labels(run / "pseudo_labels" / f"{number}.tif", scheme) for number in (3514, 3515)]
    right = sum(int(((labels == true) & (true > 0)).sum()) for labels, true in zip(found, truth, strict=True))
    assert quality["truth"]["on_all"]["accuracy"] == pytest.approx(right / np.count_nonzero(truth))

    test = loveda / "Test" / "Urban" / "images_png"
    assert run_main(map_tiles, "--images", test, "--models", folder / MODEL_NAME, "--out", tmp_path / "maps")[0] == 0
    assert read_labels(tmp_path / "maps" / "5167.tif", scheme).shape == (40, 40)


def test_a_teacher_of_large_areas_learns_from_parts_of_them(
    run_main: RunMain, registered: None, tiny_teacher: Path, tmp_path: Path
) -> None:
    tiny_teacher.write_text(
        tiny_teacher.read_text().replace(
            "dict(batch_size=2)",
            "dict(batch_size=2, dataset=dict(source=dict(largest_tile=32), target=dict(largest_tile=32)))",
        )
    )
    roots = write_potsdam(tmp_path / "potsdam", side=40), write_vaihingen(tmp_path / "vaihingen", side=36)
    words = [tiny_teacher, "--oem-root", roots[0], "--dfc-root", roots[1], "--run-dir", tmp_path / "run"]
    words += ["--source-data", "potsdam-irrg", "--target-data", "vaihingen-irrg", "--option", "iterations=2"]
    assert run_main(train, *words, "--classes", "isprs_six")[0] == 0
    metrics = json.loads((tmp_path / "run" / "teachers" / "tiny" / "metrics.json").read_text())
    assert metrics["labels"] == "vaihingen-irrg test"
    assert list(metrics["iou"]) == list(find_scheme("isprs_six").classes)
    assert metrics["pixels"] == 17 * np.count_nonzero(
        read_labels(roots[1] / "gts_for_participants" / "top_mosaic_09cm_area2.tif", find_scheme("isprs"))
    )


def test_mistakes_are_told_in_one_line(
    run_main: RunMain, registered: None, tiny_teacher: Path, loveda: Path, tmp_path: Path
) -> None:
    words = [tiny_teacher, *of_loveda(loveda, tmp_path / "run"), "--oem-root", loveda]
    cases = {
        "TARGET_DATA: expected dfc2025 beside SOURCE_DATA=openearthmap, whose classes it has, found loveda-urban": [],
        "SOURCE_DATA: expected one of openearthmap, loveda-rural, ": ["--source-data", "loveda-village"],
        "SOURCE_SPLITS: expected train or val for loveda, found 'test'": [
            *("--source-data", "loveda-rural", "--source-splits", "test")
        ],
        "CLASSES: expected loveda for SOURCE_DATA=loveda-rural, found openearthmap; set CLASSES=loveda": [
            *("--source-data", "loveda-rural", "--classes", "openearthmap")
        ],
    }
    for expected, more in cases.items():
        code, message = run_main(train, *words, *more)
        assert code == 2 and message.startswith(f"error: {expected}"), message
    code, message = run_main(write, "tiny", *of_loveda(loveda, tmp_path / "run"), "--agree-with", "published")
    assert code == 2 and "expected published labels, found none; leave published out of AGREE_WITH" in message
