from __future__ import annotations

import sysconfig
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS
from tiny_networks import ONE_HEAD_OPTIONS
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.networks.model_file import load_model
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities
from landcover.processes.group import Processes
from landcover.run_files.training_log import read_log
from landcover.training.compiled import check_compiler, compile_networks
from landcover.training.config import load_config
from landcover.training.train_model import train_model
from landcover.training.training import Training
from stage1_optical_da.self_training import SelfTraining

CPU = torch.device("cpu")
CONFIG = Path(__file__).parents[3] / "configs" / "demo" / "teacher_segformer.py"


def can_compile() -> bool:
    try:
        check_compiler(CPU)
    except InputError:
        return False
    return True


def self_training() -> SelfTraining:
    torch.manual_seed(0)
    student = load_config(CONFIG, ONE_HEAD_OPTIONS).model
    return MODELS.build({"type": "SelfTraining", "student": student}).train()


def losses(network: nn.Module, side: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    features = network.extract_feat(torch.randn(2, 3, side, side, generator=generator))
    logits = network.decode_head.forward(features)  # as mmseg's `loss` calls it
    logits.square().mean().backward()
    return logits.detach()


def predict(network: nn.Module, *size: int) -> Tensor:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    probabilities = predict_probabilities(network.eval(), image, SlidingWindow(32, 32), CPU)
    network.train()
    return probabilities


def test_student_and_teacher_are_compiled_once_and_validation_of_any_size_adds_nothing(
    registered: None, graphs: list[object]
) -> None:
    plain, model = self_training(), self_training()
    names = list(model.state_dict())
    compile_networks(model, CPU)
    assert list(model.state_dict()) == names
    for expected in (2, 2):  # backbone and head of the student
        torch.testing.assert_close(losses(model.student, 32), losses(plain.student, 32))
        assert len(graphs) == expected
    for value, expected_value in zip(model.student.parameters(), plain.student.parameters(), strict=True):
        torch.testing.assert_close(value.grad, expected_value.grad)
    coverage = torch.zeros(2, 32, 32, dtype=torch.int64)
    images = 255 * torch.rand(2, 3, 32, 32)
    for expected in (4, 4):  # and of the teacher
        labels, of_plain = (
            net.pseudo_labels(net.teacher_logits(images, coverage), coverage)[0] for net in (model, plain)
        )
        assert torch.equal(labels, of_plain)
        assert len(graphs) == expected
    for size in ((32, 32), (40, 70), (20, 33), (64, 10)):
        torch.testing.assert_close(predict(model.teacher, *size), predict(plain.teacher, *size))
    losses(model.student, 32)
    assert len(graphs) == 4


def test_weights_go_from_compiled_to_plain_networks_and_back(registered: None, graphs: list[object]) -> None:
    plain, model = self_training(), self_training()
    compile_networks(model, CPU)
    for source, target in ((model, plain), (plain, model)):
        for parameter in source.parameters():
            parameter.data += 1
        target.load_state_dict(source.state_dict())
        for side in (32, 32):
            torch.testing.assert_close(losses(target.student, side), losses(source.student, side))
    assert len(graphs) == 2


def test_many_trainings_of_one_process_are_all_compiled(registered: None, graphs: list[object]) -> None:
    with torch._dynamo.config.patch(recompile_limit=1):  # 8; behind it a function runs as it is
        for number, frozen in enumerate((False, True, False)):
            model = self_training().student
            model.backbone.requires_grad_(not frozen)
            compile_networks(model, CPU)
            losses(model, 32)
            assert len(graphs) == 2 * (number + 1)


class OneConvolution(nn.Module):
    """A backbone that compiles in seconds."""

    def __init__(self, in_channels: int, **unused: object) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, 8, 4, 4)

    def forward(self, images: Tensor) -> list[Tensor]:
        return [self.convolution(images).tanh()]


@pytest.mark.skipif(not can_compile(), reason="torch.compile needs a C++ compiler")
def test_a_compiled_training_logs_the_losses_of_a_plain_one(
    make_training: Callable[..., Training], one_process: Processes, tmp_path: Path
) -> None:
    MODELS.register_module(module=OneConvolution, force=True)
    logs = []
    for compiled in (False, True):
        training = make_training(
            tmp_path / str(compiled),
            f"compile={compiled}",
            "model.backbone.type=OneConvolution",
            "model.decode_head.in_channels=[8]",
            "model.decode_head.in_index=[0]",
            "model.decode_head.dropout_ratio=0.0",
            "validation_interval=2",
            iterations=3,
            scored=True,
        )
        assert train_model(training, one_process)
        logs.append(read_log(tmp_path / str(compiled) / "log.jsonl"))
    assert [sorted(line) for line in logs[0]] == [sorted(line) for line in logs[1]]
    for plain, line in zip(*logs, strict=True):
        assert line == pytest.approx(plain, rel=1e-4)
    image = torch.randn(1, 1, 40, 32)
    expected, output = (
        load_model(tmp_path / name / "model.pth", CPU)[0](image, mode="tensor") for name in ("False", "True")
    )
    torch.testing.assert_close(output, expected, rtol=1e-3, atol=1e-4)


def test_without_a_compiler_the_training_is_refused_before_it_starts(
    make_training: Callable[..., Training], one_process: Processes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("CXX", raising=False)
    training = make_training(tmp_path / "run", "compile=True", iterations=2)
    message = r"^compile: expected a C\+\+ compiler \(g\+\+, or CXX\), found none; install it or set compile=False$"
    with pytest.raises(InputError, match=message):
        train_model(training, one_process)
    assert not (tmp_path / "run/unfinished.json").exists() and not (tmp_path / "run/log.jsonl").exists()
    assert train_model(make_training(tmp_path / "run", iterations=2), one_process)


def test_a_missing_tool_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compiler, header = tmp_path / "bin" / "cc", tmp_path / "include" / "Python.h"
    compiler.parent.mkdir()
    monkeypatch.setattr(sysconfig, "get_paths", lambda: {"include": str(header.parent)})
    monkeypatch.setattr("landcover.training.compiled.find_spec", lambda name: None)
    for variable in ("CC", "CXX"):
        monkeypatch.setenv(variable, str(compiler))
    gpu = torch.device("cuda")
    with pytest.raises(InputError, match="expected the package triton, found none"):
        check_compiler(gpu)
    monkeypatch.setattr("landcover.training.compiled.find_spec", lambda name: name)
    with pytest.raises(InputError, match=r"expected a C compiler \(gcc, or CC\), found none"):
        check_compiler(gpu)
    with pytest.raises(InputError, match=r"expected a C\+\+ compiler"):
        check_compiler(CPU)
    compiler.write_text("")
    compiler.chmod(0o755)
    for device in (CPU, gpu):
        with pytest.raises(InputError, match=rf"expected Python's headers \({header}, package python3-dev\)"):
            check_compiler(device)
    header.parent.mkdir()
    header.write_text("")
    check_compiler(CPU)
    check_compiler(gpu)
