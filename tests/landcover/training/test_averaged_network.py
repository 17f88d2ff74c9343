from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.distributed as dist
from mmengine.hooks import Hook
from mmengine.model import MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn
from torch.optim import SGD

from landcover.errors import InputError
from landcover.networks.model_file import load_model
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.processes.group import Processes
from landcover.run_files.training_log import read_log
from landcover.training.averaged_network import AveragedNetwork, AverageHook, averaged
from landcover.training.compiled import compile_networks
from landcover.training.runner import build_runner
from landcover.training.train_model import train_model
from landcover.training.training import Training

MakeTraining = Callable[..., Training]


@pytest.fixture
def training(make_training: MakeTraining, tmp_path: Path) -> Training:
    return make_training(tmp_path / "run", iterations=4, scored=True)


@pytest.fixture
def model(training: Training) -> AveragedNetwork:
    return MODELS.build(averaging(training).trained)


def averaging(training: Training, decay: float = 0.75) -> Training:
    """The same training with averaged weights."""
    trained = {"type": "AveragedNetwork", "network": training.trained, "decay": decay}
    return replace(training, trained=trained, exported=averaged, hooks=[*training.hooks, AverageHook()])


def batch() -> dict[str, list]:
    generator = torch.Generator().manual_seed(0)
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=torch.randint(0, 8, (1, 32, 32), generator=generator))
    return {"inputs": [255 * torch.rand(1, 32, 32, generator=generator)] * 2, "data_samples": [sample] * 2}


def copies(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


class Record(Hook):
    """Keeps the state of the network (not of the average) after every step."""

    priority = "VERY_LOW"

    def __init__(self, states: list[dict[str, Tensor]]) -> None:
        self.states = states

    def after_train_iter(self, runner: Runner, batch_idx: int, data_batch=None, outputs=None) -> None:
        self.states.append(copies(runner.model.network))


class StopAt(Hook):
    """Raises before the given iteration, counted from 1."""

    def __init__(self, iteration: int) -> None:
        self.iteration = iteration

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch=None) -> None:
        if runner.iter + 1 == self.iteration:
            raise RuntimeError("power cut")


def test_the_average_starts_as_the_network_and_never_trains(model: AveragedNetwork) -> None:
    model.init_weights()
    model.train()
    assert isinstance(model.average, EncoderDecoder) and averaged(model) is model.average
    for name, value in model.network.state_dict().items():
        assert torch.equal(model.average.state_dict()[name], value)
    assert model.network.training and not any(module.training for module in model.average.modules())
    assert {name for name, p in model.named_parameters() if p.requires_grad} == {
        f"network.{name}" for name, _ in model.network.named_parameters()
    }


def test_a_step_moves_the_network_as_if_it_were_alone(training: Training, model: AveragedNetwork) -> None:
    alone = MODELS.build(training.trained).train()
    alone.load_state_dict(model.network.state_dict())
    before = copies(model.average)
    values = []
    for module in (model.train(), alone):
        torch.manual_seed(0)
        values.append(module.train_step(batch(), OptimWrapper(SGD(module.parameters(), lr=0.5))))
    assert values[0].keys() == values[1].keys() and values[0]["loss"] == values[1]["loss"] > 0
    for name, value in alone.state_dict().items():
        assert torch.equal(model.network.state_dict()[name], value), name
    assert any(not torch.equal(before[name], value) for name, value in alone.state_dict().items())
    assert all(torch.equal(before[name], value) for name, value in model.average.state_dict().items())


def test_the_model_file_holds_the_average_over_all_steps(training: Training, one_process: Processes) -> None:
    states: list[dict[str, Tensor]] = []
    recorded = averaging(replace(training, hooks=[Record(states)]))
    assert train_model(recorded, one_process)
    found = load_model(training.folder / "model.pth", torch.device("cpu"))[0].state_dict()
    assert found.keys() == states[0].keys() and len(states) == 4
    moved = 0
    for name, value in found.items():
        expected = states[0][name].double()
        for state, decay in zip(states[1:], (1 / 2, 2 / 3, 3 / 4), strict=True):
            expected = decay * expected + (1 - decay) * state[name].double()
        if not value.is_floating_point():
            expected = states[-1][name].double()
        torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-7, msg=name)
        moved += not torch.equal(value, states[-1][name])
    assert moved > 50


def test_the_average_is_scored_during_training(training: Training, one_process: Processes) -> None:
    scored: list[nn.Module] = []

    def exported(model: nn.Module) -> nn.Module:
        scored.append(model)
        return averaged(model)

    train_model(replace(averaging(training), exported=exported), one_process)
    assert [type(model) for model in scored] == [AveragedNetwork, AveragedNetwork]  # validation, export
    metrics = json.loads((training.folder / "metrics.json").read_text())
    logged = [line["validation_miou"] for line in read_log(training.folder / "log.jsonl") if "validation_miou" in line]
    assert logged == [metrics["miou"]] == [metrics["chosen"]["validation_miou"]]


def test_a_resumed_training_ends_like_an_uninterrupted_one(
    make_training: MakeTraining, one_process: Processes, tmp_path: Path
) -> None:
    ends = []
    for name in ("whole", "cut"):
        states: list[dict[str, Tensor]] = []
        training = averaging(make_training(tmp_path / name, hooks=[Record(states)]))
        if name == "cut":
            with pytest.raises(RuntimeError, match="power cut"):
                train_model(replace(training, hooks=[*training.hooks, StopAt(6)]), one_process)
            saved = torch.load(tmp_path / "cut/checkpoints/iter_4.pth", weights_only=False)["state_dict"]
            assert {key.split(".")[0] for key in saved} == {"network", "average"}
        assert train_model(training, one_process)
        ends.append(states[-1])
    assert all(torch.equal(ends[1][name], value) for name, value in ends[0].items())
    assert (tmp_path / "whole/model.pth").read_bytes() == (tmp_path / "cut/model.pth").read_bytes()
    assert read_log(tmp_path / "whole/log.jsonl") == read_log(tmp_path / "cut/log.jsonl")


def test_heads_and_norms_are_told_apart_as_without_an_average(training: Training, one_process: Processes) -> None:
    training.config.optim_wrapper.paramwise_cfg.head_lr_mult = 10.0
    found = []
    for number, made in enumerate((training, averaging(training))):
        runner = build_runner(replace(made, folder=training.folder / str(number)), one_process)
        groups = runner.optim_wrapper.optimizer.param_groups
        found.append([(group["lr"], group["weight_decay"], len(group["params"])) for group in groups])
    assert found[0] == found[1] and len(found[0]) == 4


@pytest.fixture
def process_group(tmp_path: Path) -> Iterator[None]:
    """A group of this process alone."""
    dist.init_process_group("gloo", init_method=f"file://{tmp_path / 'store'}", rank=0, world_size=1)
    yield
    dist.destroy_process_group()


@pytest.mark.filterwarnings("ignore:Grad strides do not match")  # silenced by the runner, too
def test_several_processes_train_the_network_and_each_moves_its_average(
    model: AveragedNetwork, process_group: None
) -> None:
    model.init_weights()
    wrapped = MMDistributedDataParallel(model.train(), broadcast_buffers=False)
    runner = SimpleNamespace(model=wrapped, iter=3)
    before, old = copies(model.average), copies(model.network)
    losses = wrapped.train_step(batch(), OptimWrapper(SGD(model.network.parameters(), lr=0.5)))
    assert losses["loss"] > 0
    AverageHook().after_train_iter(runner, 3)
    name = "decode_head.conv_seg.weight"
    new = model.network.state_dict()[name]
    assert not torch.equal(new, old[name])
    torch.testing.assert_close(model.average.state_dict()[name], 0.75 * before[name] + 0.25 * new)


def test_the_network_is_compiled_and_predictions_of_the_average_add_nothing(
    model: AveragedNetwork, graphs: list[object]
) -> None:
    compile_networks(model.train(), torch.device("cpu"))
    for _ in range(2):
        model.train_step(batch(), OptimWrapper(SGD(model.network.parameters(), lr=0.1)))
        model.update_average(0)
        assert len(graphs) == 2  # backbone and head
    image = np.random.default_rng(0).integers(0, 256, (40, 33), dtype=np.uint8)
    window, device = SlidingWindow(32, 32), torch.device("cpu")
    predicted = predict_probabilities(averaged(model), image, window, device)
    torch.testing.assert_close(predicted, predict_probabilities(model.network.eval(), image, window, device))
    assert len(graphs) == 2


@pytest.mark.parametrize("decay", [-0.1, 1.0])
def test_a_decay_that_is_no_share_is_refused(make_training: MakeTraining, tmp_path: Path, decay: float) -> None:
    with pytest.raises(InputError, match=rf"^weight_ema: expected None or a share in \[0, 1\), found {decay}; "):
        MODELS.build(averaging(make_training(tmp_path), decay).trained)
