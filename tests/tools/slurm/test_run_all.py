"""Stages as jobs of Slurm, each behind the one before, with a stand-in for sbatch."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from stages import ROOT

STAGES = sorted(path.stem for path in (ROOT / "tools").glob("[0-9][0-9]_*.sh"))


def test_every_stage_is_a_job_behind_the_one_before(
    submit: Callable[..., tuple], words_of_job: Callable[..., list[str]], tmp_path: Path
) -> None:
    profile = tmp_path / "l'été 1.sh"
    shutil.copy(ROOT / "configs" / "profiles" / "demo.sh", profile)
    chosen = {"GPUS": "4", "SLURM_OPTIONS": "--partition=gpu --gpus-per-task=1", "REGISTER": "phase"}
    call, jobs = submit("run_all.sh", profile, environment=chosen)
    assert (call.returncode, call.stderr) == (0, "")
    expected = [stage for stage in STAGES if stage != "21_reassign_labels"]
    assert call.stdout.splitlines() == [f"{stage}: job {number}" for number, stage in enumerate(expected, 1)]
    assert len(jobs) == len(expected) >= 7
    for number, (stage, job) in enumerate(zip(expected, jobs, strict=True)):
        assert words_of_job(job) == [str(ROOT / "tools" / f"{stage}.sh"), str(profile)]
        assert job[-1] == "GPUS=4 LAUNCHER=slurm SLURM_OPTIONS=--partition=gpu --gpus-per-task=1"
        options = job[: job.index("--wrap")]
        assert options[:4] == [
            "--parsable",
            f"--job-name={stage}",
            f"--output={tmp_path / 'my run' / 'slurm'}/%x_%j.log",
            "--kill-on-invalid-dep=yes",
        ]
        dependency = [f"--dependency=afterok:{number}"] if number else []
        alone = stage[:2] in ("00", "50")
        tasks = ["--ntasks=1"] if alone else ["--ntasks=4", "--partition=gpu", "--gpus-per-task=1"]
        assert options[4:] == [*dependency, *tasks]
    assert (tmp_path / "my run" / "slurm").is_dir()


def test_mistakes_are_told_in_one_line_before_anything_is_handed_in(submit: Callable[..., tuple]) -> None:
    call, jobs = submit("run_all.sh", environment={"LAUNCHER": "ssh"})
    assert (call.returncode, jobs, call.stderr.count("\n")) == (2, [], 1)
    assert "LAUNCHER: expected torchrun or slurm, found ssh" in call.stderr


def test_help_lists_the_variables(submit: Callable[..., tuple]) -> None:
    call, jobs = submit("run_all.sh", "--help")
    assert (call.returncode, jobs) == (0, [])
    assert call.stdout.startswith("Usage: bash tools/slurm/run_all.sh [PROFILE]\n") and "\nGPUS " in call.stdout


@pytest.mark.skipif(shutil.which("sbatch") is not None, reason="Slurm is installed")
@pytest.mark.parametrize("words", [["run_all.sh"], ["map_scenes.sh", "2"]])
def test_a_missing_sbatch_is_told_in_one_line(words: list[str]) -> None:
    command = ["bash", str(ROOT / "tools" / "slurm" / words[0]), *words[1:]]
    call = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (call.returncode, call.stderr.count("\n")) == (2, 1)
    assert call.stderr.startswith("error: expected sbatch in PATH, found none; run it on a Slurm login node, or use ")
