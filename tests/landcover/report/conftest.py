"""A tiny finished run with its data."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import write_raster
from landcover.metrics import ConfusionMatrix
from landcover.run_files.manifest import OutputFolder
from landcover.score_files.score_file import ScoreHeader, encode, write_scores

SIDE = 40
MEMBERS = ("net_a", "net_b")


@dataclass(frozen=True)
class FakeRun:
    run: Path
    data: Path
    truth: Path
    metrics: dict


def entry(miou: float, labels: str = "test truth", **iou: float | None) -> dict:
    scores = {name: iou.get(name, miou) for name in OPEN_EARTH_MAP.classes}
    absent = [name for name, score in scores.items() if score is None]
    return {
        "miou": miou,
        "iou": scores,
        "absent": absent,
        "labels": labels,
        "pixels": 10,
        "f1": scores,
        "accuracy": miou,
    }


@pytest.fixture
def metrics() -> dict:
    truth = np.repeat(np.arange(1, 9, dtype=np.uint8), 4)
    predicted = truth.copy()
    predicted[:2] = (2, 0)
    matrix = ConfusionMatrix(OPEN_EARTH_MAP)
    matrix.add(truth, predicted)
    summary = matrix.summary("test truth")
    ensemble = {**summary, "confusion": matrix.counts.tolist(), "missed": matrix.missed.tolist()}
    return {
        "teachers": {
            "teacher_b": {**entry(0.4, "train truth"), "source": entry(0.6, "source tiles", bareland=None)},
            "teacher_a": {**entry(0.5, "train truth", water=0.1), "source": entry(0.55, "source tiles")},
        },
        "pseudo_labels": entry(0.45, "train truth"),
        "published_labels": entry(0.35, "train truth", building=0.9),
        "sar_models": {"net_b": entry(0.30), "net_a": entry(0.32)},
        "ensemble": {**ensemble, "averages": {"logits": summary, "probabilities": entry(0.2)}},
    }


@pytest.fixture
def fake_run(tmp_path: Path, metrics: dict) -> FakeRun:
    """Two training and two test tiles, two members, one teacher with a log."""
    run, data, truth = tmp_path / "runs" / "tiny", tmp_path / "data", tmp_path / "truth"
    rng = np.random.default_rng(0)
    for split, stem in (("train", "TrainArea"), ("test", "TestArea")):
        for number in (1, 2):
            _write_tile(run, data, truth, split, f"{stem}_{number:03}", rng)
    _write_training(run / "teachers" / "teacher_a")
    (run / "submission.zip").write_bytes(b"zip")
    (run / "metrics.json").write_text(json.dumps(metrics))
    return FakeRun(run, data, truth, metrics)


def _write_tile(run: Path, data: Path, truth: Path, split: str, name: str, rng: np.random.Generator) -> None:
    labels = rng.integers(1, 9, (SIDE, SIDE)).astype(np.uint8)
    write_raster(data / split / "sar_images" / f"{name}.tif", rng.integers(1, 255, (SIDE, SIDE)).astype(np.uint8))
    write_raster(truth / split / "labels" / f"{name}.tif", labels)
    if split == "train":
        optical = rng.integers(0, 255, (SIDE, SIDE, 3)).astype(np.uint8)
        write_raster(data / split / "rgb_images" / f"{name}.tif", optical)
        write_raster(data / split / "labels" / f"{name}.tif", np.roll(labels, 1))
        write_raster(run / "pseudo_labels" / f"{name}.tif", labels)
        return
    (run / "submission").mkdir(parents=True, exist_ok=True)
    Image.fromarray(labels).save(run / "submission" / f"{name}.png")
    for member in MEMBERS:
        (run / "scores" / "test" / member).mkdir(parents=True, exist_ok=True)
        header = ScoreHeader(member, OPEN_EARTH_MAP.name, "logit", 10.0, SIDE, SIDE, 8)
        # The first member agrees with the submitted map everywhere, the second one nowhere.
        chosen = labels - 1 if member == "net_a" else labels % 8
        probabilities = np.eye(8, dtype=np.float32)[chosen].transpose(2, 0, 1)
        write_scores(run / "scores" / "test" / member / f"{name}.tif", encode(probabilities, "logit"), header)


def _write_training(folder: Path) -> None:
    made_by = {"stage": "teachers", "model": folder.name, "config": "a" * 64, "iterations": 4000, "seed": 7}
    output = OutputFolder(folder, made_by=made_by, inputs={"source": "b" * 64})
    output.begin()
    lines = [{"iteration": step, "lr": 1e-4, "loss": 5.0 / step} for step in range(1, 31)]
    values = {"validation_miou": 0.25, "target_agreement": 0.75, "target_confidence": 0.5}
    lines.insert(10, {"iteration": 10, **values})
    chosen = {"rule": "target_agreement", "iteration": 10, **values}
    (folder / "metrics.json").write_text(json.dumps({**entry(0.25), "chosen": chosen}))
    (folder / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (folder / "model.pth").write_bytes(b"weights")
    output.finish([folder / "model.pth"])
