"""All trainings of a command: one after the other, or several at a time."""

from __future__ import annotations

import os
import sys
import time
from functools import partial

from landcover.errors import InputError
from landcover.networks.model_file import MODEL_NAME
from landcover.processes.cores import usable_cores
from landcover.processes.group import Processes
from landcover.processes.side_by_side import run_side_by_side
from landcover.training.summary import TrainedModel
from landcover.training.train_model import is_trained, train_model
from landcover.training.training import Training
from landcover.training.training_process import TrainingProcess


def check_jobs(jobs: int, processes: Processes) -> None:
    """Refuses a number of trainings at a time that can not be.

    Raises:
        InputError: below one, or several where each is shared by several processes.
    """
    if jobs < 1:
        raise InputError(f"JOBS: expected 1 or more, found {jobs}; correct it")
    if jobs > 1 and processes.world > 1:
        raise InputError(
            f"JOBS: expected 1 where GPUS={processes.world} train one model, found {jobs}; leave one of them out"
        )


def train_all(trainings: list[Training], processes: Processes, jobs: int, module: str) -> list[TrainedModel]:
    """Trains what is not trained yet and tells every model file; returns the models in order.

    Args:
        trainings: taken off the list as they are trained, with the tiles that they keep decoded.
        processes: those that train together.
        jobs: trainings at a time, each in a process of its own; with 1 all train in this one.
        module: of the command that runs, which takes `--jobs`, `--only` and `--one-of-many`.

    Raises:
        InputError: one failed; those beside it are stopped, and go on when the same command is run again.
    """
    parallel = min(jobs, len(trainings))
    if parallel > 1:
        return _side_by_side(trainings, processes, parallel, module)
    done = []
    while trainings:
        training, began = trainings.pop(0), time.monotonic()
        trained = train_model(training, processes)
        done.append(TrainedModel(training.folder, trained, (time.monotonic() - began) / 60 if trained else None))
        if processes.first:
            print(f"{'wrote' if trained else 'is there:'} {training.folder / MODEL_NAME}", flush=True)
    return done


def _side_by_side(trainings: list[Training], processes: Processes, parallel: int, module: str) -> list[TrainedModel]:
    waiting = []
    for training in trainings:
        training.inputs()  # reads for digests what several of them share, once
        if is_trained(training, processes):
            print(f"is there: {training.folder / MODEL_NAME}", flush=True)
        else:
            waiting.append(training.name)
    environment = _environment(parallel)
    if waiting:
        threads = environment["OMP_NUM_THREADS"]
        print(f"{len(waiting)} trainings, {parallel} at a time, OMP_NUM_THREADS={threads}", file=sys.stderr, flush=True)
    minutes: dict[str, float] = {}
    run_side_by_side(
        [partial(TrainingProcess, module, name, environment) for name in waiting],
        parallel,
        lambda process, left: minutes.update({process.name: process.minutes}),
    )
    return [TrainedModel(one.folder, one.name in minutes, minutes.get(one.name)) for one in trainings]


def _environment(parallel: int) -> dict[str, str]:
    """Of every process: its share of cores and memory, whether the others are still there or not.

    So a training that is continued alone has as many threads as before, on which the last bits of its weights depend.
    """
    threads = os.environ.get("OMP_NUM_THREADS") or str(max(1, usable_cores() // parallel))
    return {**os.environ, "OMP_NUM_THREADS": threads, "LOCAL_WORLD_SIZE": str(parallel)}
