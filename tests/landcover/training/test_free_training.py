import gc
import multiprocessing
import weakref

import pytest
from mmengine.runner import Runner

from landcover.training import train_model as module
from landcover.training.train_model import train_model


@pytest.fixture
def alive(monkeypatch):
    """Before each training is built: models and optimizers of earlier ones that live, and child processes."""
    built, found, build = [], [], module.build_runner

    def build_runner(training, processes):
        found.append((sum(ref() is not None for ref in built), len(multiprocessing.active_children())))
        runner: Runner = build(training, processes)
        built.extend(map(weakref.ref, (runner.model, runner.optim_wrapper.optimizer, runner)))
        return runner

    monkeypatch.setattr(module, "build_runner", build_runner)
    gc.disable()  # else it might run by chance
    yield found
    gc.enable()


def test_nothing_of_a_finished_training_stays(make_training, one_process, tmp_path, alive):
    for name in "abc":
        training = make_training(tmp_path / name, iterations=3)
        training.config.train_dataloader.num_workers = 2
        train_model(training, one_process)
    assert alive == [(0, 0)] * 3
    assert multiprocessing.active_children() == []


def test_nothing_stays_of_a_compiled_training(make_training, one_process, tmp_path, alive, graphs):
    for name in "ab":
        train_model(make_training(tmp_path / name, "compile=True", iterations=2), one_process)
    assert graphs and alive == [(0, 0)] * 2
