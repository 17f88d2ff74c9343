"""Scenes as an array of tasks of Slurm, with a stand-in for sbatch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from stages import ROOT


def test_every_task_of_the_array_maps_its_share(
    submit: Callable[..., tuple], words_of_job: Callable[..., list[str]]
) -> None:
    words = ["--scenes", "my list.txt", "--models", "a.pth", "it's.pth", "--out", "$maps"]
    environment = {"SLURM_OPTIONS": "--gpus-per-task=1 -p gpu", "GPUS": "4", "LAUNCHER": "slurm"}
    call, (job,) = submit("map_scenes.sh", 20, *words, environment=environment)
    assert (call.returncode, call.stderr, call.stdout) == (0, "", "1;cluster\n")
    options = ["--job-name=map_scenes", "--array=1-20", "--ntasks=1", "--gpus-per-task=1", "-p", "gpu"]
    assert job[: job.index("--wrap")] == options
    assert job[-1] == "GPUS=1 LAUNCHER=torchrun SLURM_OPTIONS=--gpus-per-task=1 -p gpu"
    found = words_of_job(job, SLURM_ARRAY_TASK_ID="7")
    assert found == [str(ROOT / "tools" / "map_scene.sh"), *words, "--share", "7/20"]


@pytest.mark.parametrize("tasks", ["", "0", "--scenes"])
def test_a_number_of_tasks_that_is_none_is_told_in_one_line(submit: Callable[..., tuple], tasks: str) -> None:
    call, jobs = submit("map_scenes.sh", tasks, "list.txt")
    assert (call.returncode, jobs, call.stderr.count("\n")) == (2, [], 1)
    assert call.stderr.startswith(
        f"error: TASKS: expected a number of tasks of at least 1 as the first word, found '{tasks}'"
    )
