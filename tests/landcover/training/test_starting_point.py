from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from mmengine.hooks import Hook
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.networks.model_file import ModelInfo, load_model, save_model
from landcover.processes.group import Processes
from landcover.training.averaged_network import AverageHook, averaged
from landcover.training.starting_point import StartHook, starting_point
from landcover.training.train_model import train_model
from landcover.training.training import Training

MakeTraining = Callable[..., Training]


class StateAt(Hook):
    """Keeps the state of the trained module before an iteration, counted from 1, and stops there if asked to."""

    def __init__(self, iteration: int, stop: bool = False) -> None:
        self.iteration = iteration
        self.stop = stop
        self.state: dict[str, Tensor] = {}

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        if runner.iter + 1 == self.iteration:
            self.state = {name: tensor.clone() for name, tensor in runner.model.state_dict().items()}
            if self.stop:
                raise RuntimeError("power cut")


@pytest.fixture
def training(make_training: MakeTraining, tmp_path: Path) -> Training:
    return make_training(tmp_path / "run")


@pytest.fixture
def start(training: Training, tmp_path: Path) -> Path:
    """A model file of the trained network."""
    torch.manual_seed(5)
    weights = MODELS.build(training.config.model).state_dict()
    save_model(tmp_path / "start.pth", ModelInfo("t", "sar", OPEN_EARTH_MAP, 32), {}, weights)
    return tmp_path / "start.pth"


def weights_of(path: Path) -> dict[str, Tensor]:
    weights: dict[str, Tensor] = torch.load(path, weights_only=True)["weights"]
    return weights


def test_a_training_starts_from_the_file(training: Training, start: Path, one_process: Processes) -> None:
    first = StateAt(1)
    assert train_model(replace(training, hooks=[StartHook(start), first]), one_process)
    expected = weights_of(start)
    assert first.state.keys() == expected.keys()
    assert [name for name, tensor in expected.items() if not torch.equal(first.state[name], tensor)] == []


def test_an_average_starts_there_too(training: Training, start: Path, one_process: Processes) -> None:
    first, network = StateAt(1), {"type": "AveragedNetwork", "network": training.trained, "decay": 0.9}
    hooks = [AverageHook(), StartHook(start), first]
    assert train_model(replace(training, trained=network, exported=averaged, hooks=hooks), one_process)
    for name, tensor in weights_of(start).items():
        assert torch.equal(first.state[f"network.{name}"], tensor)
        assert torch.equal(first.state[f"average.{name}"], tensor)


def test_a_resumed_training_goes_on_from_its_checkpoint(
    make_training: MakeTraining, training: Training, start: Path, one_process: Processes, tmp_path: Path
) -> None:
    cut, fifth = make_training(tmp_path / "cut"), StateAt(5)
    assert train_model(replace(training, hooks=[StartHook(start), fifth]), one_process)
    with pytest.raises(RuntimeError, match="power cut"):
        train_model(replace(cut, hooks=[StartHook(start), StateAt(6, stop=True)]), one_process)
    resumed = StateAt(5)
    assert train_model(replace(cut, hooks=[StartHook(start), resumed]), one_process)
    assert all(torch.equal(resumed.state[name], tensor) for name, tensor in fifth.state.items())
    whole, found = (load_model(t.folder / "model.pth", torch.device("cpu"))[0].state_dict() for t in (training, cut))
    assert len(whole) > 50 and all(torch.equal(found[name], tensor) for name, tensor in whole.items())


def test_one_file_that_must_fit_is_refused_and_one_of_several_passed_over(training: Training, start: Path) -> None:
    network = training.config.model
    assert starting_point("m", network, []) is None
    assert starting_point("m", network, [start, start.parent / "never read.pth"]) == start
    assert starting_point("m", network, [start], must_fit=True) == start
    network.decode_head.channels = 12
    assert starting_point("m", network, [start]) is None
    with pytest.raises(InputError, match=r"start\.pth: weights of another model: decode_head\..* \(SAR_START\)$"):
        starting_point("m", network, [start], must_fit=True)
    network.decode_head.type = "NoHead"
    with pytest.raises(InputError, match=r"^model m: the config does not build \(.*NoHead"):
        starting_point("m", network, [start])
