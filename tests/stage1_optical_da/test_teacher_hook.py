from typing import Any

import pytest
import torch
from torch import nn

from stage1_optical_da.self_training import SelfTraining
from stage1_optical_da.teacher_hook import TeacherHook

pytestmark = pytest.mark.usefixtures("registered")


def test_the_hook_updates_the_teacher_also_inside_a_distributed_wrapper(student: dict[str, Any]) -> None:
    model = SelfTraining(student)
    nn.init.zeros_(model.teacher.decode_head.conv_seg.bias)

    class Wrapper(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.module = model

    class FakeRunner:
        iter = 1

    for runner_model, expected in ((model, 0.5), (Wrapper(), 0.75)):
        runner = FakeRunner()
        runner.model = runner_model
        with torch.no_grad():
            model.student.decode_head.conv_seg.bias.fill_(1.0)
        TeacherHook().after_train_iter(runner, 1)
        assert model.teacher.decode_head.conv_seg.bias.tolist() == [expected] * 8
