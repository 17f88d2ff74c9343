"""Two teachers that are trained at the same time: stopped, failing, and trained to the end."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

PATIENCE = 300.0
"""Seconds; three processes start after each other, which takes minutes on a busy machine."""

OPTIONS = """
iterations = 12
checkpoint_interval = 2
validation_interval = 12
"""


@pytest.fixture
def command(tiny_teacher: Path, demo_root: Path, tmp_path: Path) -> list[str]:
    tiny_teacher.write_text(tiny_teacher.read_text() + OPTIONS)
    second = tiny_teacher.with_name("second.py")
    second.write_text(tiny_teacher.read_text())
    data = ["--oem-root", str(demo_root / "OpenEarthMap"), "--dfc-root", str(demo_root / "DFC2025Track1")]
    words = ["-m", "stage1_optical_da.train_teachers", str(tiny_teacher), str(second), *data]
    return [sys.executable, *words, "--run-dir", str(tmp_path / "run"), "--jobs", "2"]


def start(command: list[str]) -> subprocess.Popen[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def wait(reached: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not reached():
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.01)


def test_stopped_teachers_are_continued(command: list[str], tmp_path: Path) -> None:
    folders = [tmp_path / "run" / "teachers" / name for name in ("tiny", "second")]
    process = start(command)
    wait((folders[0] / "checkpoints" / "last_checkpoint").exists, process)
    process.send_signal(signal.SIGTERM)
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (130, "")
    assert err.splitlines()[0] == "2 trainings, 2 at a time, OMP_NUM_THREADS=1"
    assert err.count("interrupted; run the same command again to continue") == 1 and "Traceback" not in err
    assert not (folders[0] / "model.pth").exists()

    process = start(command)
    out, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, err
    told = [line for line in out.splitlines() if line.startswith("wrote ")]
    assert sorted(told) == sorted(f"wrote {folder / 'model.pth'}" for folder in folders)
    resumed = re.search(r"^tiny: (\d+)/12$", err, re.MULTILINE)
    assert resumed and int(resumed[1]) > 0
    for folder in folders:
        lines = [json.loads(line)["iteration"] for line in (folder / "log.jsonl").read_text().splitlines()]
        assert lines == [*range(1, 13), 12]
        assert not (folder / "checkpoints").exists()


def test_a_teacher_that_fails_stops_the_other_and_is_told_last(command: list[str], tmp_path: Path) -> None:
    second = Path(command[4])
    second.write_text(second.read_text() + 'self_training = dict(type="Unknown")\n')
    process = start([*command, "--option", "iterations=100000"])
    out, err = process.communicate(timeout=PATIENCE)
    assert (process.returncode, out) == (2, "")
    assert err.splitlines()[-1].startswith("error: model second: the config does not build")
    assert err.count("error: ") == 1
    assert not (tmp_path / "run" / "teachers" / "tiny" / "model.pth").exists()
