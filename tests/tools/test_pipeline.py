"""All stages in order on tiny tiles: first interrupted in the middle, then to the end, then once more."""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from stages import ROOT, run_stage, settings

from ensemble.weight_file import WeightFile

TEACHERS = ["teacher_segformer_efficientnet_lite0", "teacher_upernet_efficientnet_lite1"]
MEMBERS = ["sar_segformer_efficientnet_lite0", "sar_upernet_efficientnet_lite1", "sar_upernet_efficientnet_lite0"]
MODELS = [*MEMBERS, "sar_segformer_efficientnet_lite0_published"]


RECORDER = """
import hashlib, os
hash_file = hashlib.file_digest
def file_digest(file, kind):
    with open(os.environ["HASHED"], "a", encoding="utf-8") as log:
        print(file.name, file=log)
    return hash_file(file, kind)
hashlib.file_digest = file_digest
"""
"""Run by every Python process as it starts: adds the names of the files that it hashes to the file HASHED."""


@pytest.fixture(scope="module")
def run_dir(demo_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    folder = tmp_path_factory.mktemp("pipeline") / "run"
    for path in demo_root.rglob("*.tif"):  # as data that was there before
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 10))
    call = run_stage("run_all.sh", _recorded(demo_root, folder))
    assert call.returncode == 0, call.stderr
    assert "ensemble, mean of logits (submitted)" in call.stdout
    for name in ("model.pth", "label files in", "score files in", "submission.zip", "metrics.json", "report.html"):
        assert name in call.stdout
    return folder


def test_the_submission_has_one_flat_label_png_per_test_tile(run_dir: Path, demo_root: Path) -> None:
    tiles = sorted(path.stem for path in (demo_root / "DFC2025Track1/test/sar_images").iterdir())
    with zipfile.ZipFile(run_dir / "submission.zip") as archive:
        assert archive.namelist() == [f"{tile}.png" for tile in tiles]
        labels = [np.asarray(Image.open(BytesIO(archive.read(name)))) for name in archive.namelist()]
    for label, tile in zip(labels, tiles, strict=True):
        with Image.open(demo_root / f"DFC2025Track1/test/sar_images/{tile}.tif") as sar:
            assert label.shape == (sar.height, sar.width)
        assert label.dtype == np.uint8
        assert label.max() <= 8


def test_metrics_have_every_product_with_what_it_was_scored_against(run_dir: Path) -> None:
    metrics = json.loads((run_dir / "metrics.json").read_text())
    assert list(metrics["teachers"]) == TEACHERS
    assert sorted(metrics["sar_models"]) == sorted(MODELS)
    assert metrics["ensemble"]["members"] == sorted(MEMBERS)
    for entry in (metrics["pseudo_labels"], metrics["ensemble"], *metrics["sar_models"].values()):
        present = [value for value in entry["iou"].values() if value is not None]
        assert entry["miou"] == pytest.approx(sum(present) / len(present))
        assert len(present) + len(entry["absent"]) == 8
        assert entry["labels"].startswith("manual labels of")


def test_no_stage_hashes_a_file_that_another_one_has_hashed(run_dir: Path, demo_root: Path) -> None:
    hashed = Counter(_hashed(run_dir))
    data = [path for split in ("train", "test") for path in (demo_root / "DFC2025Track1" / split).rglob("*.tif")]
    written = [*(run_dir / "pseudo_labels").glob("*.tif"), *(run_dir / "sar_models").rglob("model.pth")]
    assert len(data) == 3 * 4 + 2 and len(written) == 4 + 4
    assert {path.name: hashed[str(path)] for path in (*data, *written)} == dict.fromkeys(
        (path.name for path in (*data, *written)), 1
    )


def test_a_second_run_changes_nothing_says_so_and_reads_no_input_again(run_dir: Path, demo_root: Path) -> None:
    before, hashed = _digests(run_dir), _hashed(run_dir)
    call = run_stage("run_all.sh", _recorded(demo_root, run_dir))
    assert call.returncode == 0, call.stderr
    assert call.stdout.count("is there:") == 1 + 2 + 1 + 4 + 8 + 1
    assert _digests(run_dir) == before
    assert _hashed(run_dir) == hashed


def test_weights_of_a_file_make_the_submission_and_pictures_are_drawn(
    run_dir: Path, demo_root: Path, tmp_path: Path
) -> None:
    run, weights = tmp_path / "run", tmp_path / "weights.json"
    shutil.copytree(run_dir, run)
    chosen = {MEMBERS[0]: 2.0, MEMBERS[1]: 1.0}
    WeightFile("probabilities", chosen).write(weights)
    environment = settings(demo_root, run) | {"ENSEMBLE_WEIGHTS": str(weights), "QUICK_LOOKS": "1"}
    call = run_stage("50_make_submission.sh", environment)
    assert call.returncode == 0, call.stderr
    assert f"{MEMBERS[0]}: logit codes of range 10 converted to probability codes" in call.stdout
    ensemble = json.loads((run / "metrics.json").read_text())["ensemble"]
    assert (ensemble["average"], ensemble["members"]) == ("probabilities", list(chosen))
    assert (run / "quick_looks" / "most_uncertain.png").exists()
    call = run_stage("50_make_submission.sh", environment | {"AVERAGE": "logits"})
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert "average of logits: expected probabilities" in call.stderr


def test_a_killed_prediction_ends_byte_for_byte_the_same(run_dir: Path, demo_root: Path, tmp_path: Path) -> None:
    finished = run_dir / "scores" / "test" / MEMBERS[0]
    before = _digests(finished)
    shutil.rmtree(finished)
    environment = settings(demo_root, run_dir)
    with _stage("40_predict_sar.sh", environment) as process:
        _kill_when(lambda: any(finished.glob("*.tif")), process)
    assert not (finished / "manifest.json").exists()
    assert run_stage("40_predict_sar.sh", environment).returncode == 0
    assert _digests(finished) == before


def test_a_killed_training_is_continued_from_its_checkpoint(run_dir: Path, demo_root: Path, tmp_path: Path) -> None:
    environment = settings(demo_root, tmp_path / "run")
    environment["TEACHER_OPTIONS"] = environment["TEACHER_OPTIONS"].replace("iterations=6", "iterations=60")
    folder = tmp_path / "run" / "teachers" / TEACHERS[0]
    with _stage("10_train_teachers.sh", environment) as process:
        _kill_when((folder / "checkpoints" / "last_checkpoint").exists, process)
    assert not (folder / "model.pth").exists()
    call = run_stage("10_train_teachers.sh", environment)
    assert call.returncode == 0, call.stderr
    first_line = next(line for line in call.stderr.splitlines() if line.startswith(f"{TEACHERS[0]}: "))
    assert int(first_line.split()[1].split("/")[0]) > 0  # it did not start at iteration 0
    iterations = [json.loads(line)["iteration"] for line in (folder / "log.jsonl").read_text().splitlines()]
    assert iterations == sorted(iterations)
    assert iterations[-1] == 60
    assert not (folder / "checkpoints").exists()


def _recorded(data: Path, run_dir: Path) -> dict[str, str]:
    """Settings of a run whose processes record what they hash."""
    recorder = run_dir.parent / "recorder" / "sitecustomize.py"
    recorder.parent.mkdir(exist_ok=True)
    recorder.write_text(RECORDER)
    environment = settings(data, run_dir)
    paths = [str(recorder.parent), *filter(None, [environment.get("PYTHONPATH")])]
    return environment | {"HASHED": str(run_dir.parent / "hashed.txt"), "PYTHONPATH": os.pathsep.join(paths)}


def _hashed(run_dir: Path) -> list[str]:
    return (run_dir.parent / "hashed.txt").read_text().splitlines()


def _stage(name: str, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(["bash", str(ROOT / "tools" / name)], env=environment, start_new_session=True)


def _kill_when(reached: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Sends SIGKILL to the whole stage as soon as `reached()` holds."""
    deadline = time.monotonic() + 120
    while not reached():
        assert process.poll() is None, "the stage ended before it could be killed"
        assert time.monotonic() < deadline, "the stage did not get there in two minutes"
        time.sleep(0.005)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
