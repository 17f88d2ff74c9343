from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

import pytest
import torch

from landcover.errors import InputError
from landcover.processes.group import Processes
from landcover.training import train_all as module
from landcover.training.train_all import check_jobs, train_all
from landcover.training.training import Training


@pytest.mark.parametrize(
    ("jobs", "world", "message"),
    [
        (0, 1, "JOBS: expected 1 or more, found 0; correct it"),
        (2, 4, "JOBS: expected 1 where GPUS=4 train one model, found 2; leave one of them out"),
    ],
)
def test_numbers_that_can_not_be_are_refused(jobs: int, world: int, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}$"):
        check_jobs(jobs, Processes(0, world, torch.device("cpu")))
    check_jobs(1, Processes(0, world, torch.device("cpu")))


class Started:
    """Stands for a process that trains at once; writes down what it was started with."""

    minutes = 0.5
    calls: ClassVar[list[tuple[str, str, str, str]]] = []

    def __init__(self, module: str, name: str, environment: dict[str, str]) -> None:
        self.name = name
        self.calls.append((module, name, environment["OMP_NUM_THREADS"], environment["LOCAL_WORLD_SIZE"]))

    def ended(self) -> bool:
        return True

    def stop(self) -> None:
        raise AssertionError("nothing is stopped")


@pytest.mark.parametrize(("given", "threads"), [(None, "3"), ("", "3"), ("5", "5")])
def test_what_is_not_there_is_trained_in_processes_that_share_the_cores(
    make_training: Callable[..., Training],
    one_process: Processes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    given: str | None,
    threads: str,
) -> None:
    monkeypatch.setattr(Started, "calls", [])
    monkeypatch.setattr(module, "TrainingProcess", Started)
    monkeypatch.setattr(module, "usable_cores", lambda: 6)
    monkeypatch.setattr(module, "is_trained", lambda training, processes: training.folder.name == "b")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if given is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", given)
    trainings = [replace(make_training(tmp_path / name), name=name) for name in "abc"]
    done = train_all(trainings, one_process, 2, "room.command")
    assert [(model.folder.name, model.trained, model.minutes) for model in done] == [
        ("a", True, 0.5),
        ("b", False, None),
        ("c", True, 0.5),
    ]
    assert Started.calls == [("room.command", name, threads, "2") for name in "ac"]
    told = capsys.readouterr()
    assert told.out == f"is there: {tmp_path / 'b' / 'model.pth'}\n"
    assert told.err.endswith(f"\n2 trainings, 2 at a time, OMP_NUM_THREADS={threads}\n")


def test_one_training_has_all_threads_of_this_process(
    make_training: Callable[..., Training], one_process: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained: list[Path] = []
    monkeypatch.setattr(
        module, "train_model", lambda training, processes: bool(trained.append(training.folder)) or True
    )
    done = train_all([make_training(tmp_path / "a")], one_process, 2, "room.command")
    assert trained == [tmp_path / "a"] == [model.folder for model in done]
