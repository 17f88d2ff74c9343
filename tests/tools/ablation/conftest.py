"""A study, and results of studies that nobody has run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from tools.ablation.prototype_views import View
from tools.ablation.results import Results, RowResult, Score
from tools.ablation.stage1 import stage1_study
from tools.ablation.study import Matrix, Study


@pytest.fixture
def study(demo_root: Path, tmp_path: Path) -> Study:
    return stage1_study(demo_root, tmp_path)


@pytest.fixture
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


@pytest.fixture
def grouped() -> Results:
    """Two groups of two rows, and a matrix of all four."""
    return Results(
        study="stage2",
        title="A title",
        about="What it is.",
        labels="truth",
        seeds=(0, 1),
        rows=[
            scored("a", "First", 0.25, 0.35),
            scored("b", "First", 0.30, 0.42),
            scored("c", "Second", 0.50, 0.50),
            scored("d", "Second", 0.49, 0.47),
        ],
        iterations={"sar_segformer": 1200},
        shortened=False,
        seconds={"a": {0: 1.0, 1: 3.0}},
        job_seconds=60,
        jobs=2,
        machines=["a machine"],
        versions={},
        command="python -m tools.ablation stage2",
        matrix=Matrix("M", ("left", "right"), ("up", "down"), (("a", "b"), ("c", "d"))),
    )


@pytest.fixture
def view() -> View:
    """Two classes of one Gaussian each in two dimensions, and a pixel of each domain that lies in the other class."""
    return View(
        iteration=3,
        source=np.array([[0.1, 0.0], [-0.1, 0.1], [1.1, 1.0], [0.9, 1.0]], np.float32),
        source_labels=np.array([0, 0, 1, 0]),
        target=np.array([[0.2, 0.2], [0.7, 0.9]], np.float32),
        target_labels=np.array([1, 0]),
        means=np.array([[[0, 0]], [[1, 1]]], np.float32),
        variances=np.array([[[0.04, 0.09]], [[0.04, 0.04]]], np.float32),
    )


def scored(name: str, group: str, *mious: float) -> RowResult:
    iou = dict.fromkeys(OPEN_EARTH_MAP.classes, 0.25)
    return RowResult(name, f"the {name}", None, {n: Score(m, iou, None) for n, m in enumerate(mious)}, group)
