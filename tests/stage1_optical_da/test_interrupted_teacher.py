"""A teacher that is killed in the middle and trained on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import torch

ROOT = Path(__file__).parents[2]

# arguments: config, OpenEarthMap folder, DFC2025 folder, run folder, iteration before which it kills itself (0: never)
TRAINING = """
import os, signal, sys
from pathlib import Path
import torch
from mmengine.hooks import Hook
from landcover.training import train_all
from stage1_optical_da import train_teachers

config, oem, dfc, run, kill = sys.argv[1:]
seen = []


class Watch(Hook):
    priority = "VERY_LOW"

    def before_train_iter(self, runner, batch_idx, data_batch=None):
        seen.append(data_batch["seed"])
        if runner.iter + 1 == int(kill):
            os.kill(os.getpid(), signal.SIGKILL)

    def after_train(self, runner):
        state = {"model": runner.model.state_dict(), "optimizer": runner.optim_wrapper.state_dict()}
        state["schedule"] = [part.last_step for part in runner.param_schedulers]
        torch.save({**state, "seen": seen}, Path(run) / "state.pth")


original = train_all.train_model


def watched(training, processes):
    training.hooks.append(Watch())
    return original(training, processes)


train_all.train_model = watched
sys.argv[1:] = [config, "--oem-root", oem, "--dfc-root", dfc, "--run-dir", run]
train_teachers.main()
"""

OPTIONS = """
iterations = 8
checkpoint_interval = 4
validation_interval = 4
model["decode_head"]["dropout_ratio"] = 0.3
alignment = dict(type="GaussianPrototypeAlignment", components=2, begin=1, memory=12, confidence=0.2)
self_training = dict(
    confidence=0.2,
    augmentation=dict(jitter_probability=0.5, blur_probability=0.5),
    parts=dict(alignment=dict(**alignment, rare_confidence=0.1, posterior_weight=0.5)),
)
del alignment
"""


def test_a_killed_teacher_ends_like_an_uninterrupted_one_without_reading_again(
    tiny_teacher: Path, demo_root: Path, tmp_path: Path
) -> None:
    tiny_teacher.write_text(tiny_teacher.read_text() + OPTIONS)
    script = tmp_path / "train.py"
    script.write_text(TRAINING)
    data = [str(demo_root / "OpenEarthMap"), str(demo_root / "DFC2025Track1")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}

    def run(name: str, kill: int) -> int:
        command = [sys.executable, str(script), str(tiny_teacher), *data, str(tmp_path / name), str(kill)]
        return subprocess.run(command, env=environment, capture_output=True, check=False, timeout=120).returncode

    assert run("whole", 0) == 0
    assert run("cut", 7) == -signal.SIGKILL
    assert run("cut", 0) == 0
    whole, cut = (torch.load(tmp_path / name / "state.pth") for name in ("whole", "cut"))
    assert cut["seen"] == whole["seen"][4:]  # behind the checkpoint of iteration 4, and nothing before
    assert cut["schedule"] == whole["schedule"]
    differing = [name for name, value in whole["model"].items() if not torch.equal(cut["model"][name], value)]
    assert differing == []
    assert {name.split(".")[0] for name in whole["model"]} == {"student", "teacher", "parts"}
    assert whole["model"]["parts.alignment.prototypes.mixtures.updates"] == 2  # one before the checkpoint, one behind
    moments, resumed = (state["optimizer"]["state"] for state in (whole, cut))
    assert moments.keys() == resumed.keys() and len(moments) > 50
    for key, values in moments.items():
        assert all(torch.equal(resumed[key][name], value) for name, value in values.items())
    model = "teachers/tiny/model.pth"
    assert (tmp_path / "whole" / model).read_bytes() == (tmp_path / "cut" / model).read_bytes()
