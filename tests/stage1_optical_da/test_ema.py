import copy

import pytest
import torch
from torch import nn

from stage1_optical_da.ema import ema_decay, update_ema


@pytest.mark.parametrize(
    ("step", "decay"), [(0, 0.0), (1, 0.5), (3, 0.75), (99, 0.99), (998, 998 / 999), (999, 0.999), (80000, 0.999)]
)
def test_decay_grows_with_the_steps_up_to_its_limit(step: int, decay: float) -> None:
    assert ema_decay(step, 0.999) == pytest.approx(decay, abs=1e-15)


def networks() -> tuple[nn.BatchNorm1d, nn.BatchNorm1d]:
    """Teacher with weight 4, bias 0, mean 8, variance 2; student with weight 8, bias -4, mean 0, variance 6."""
    teacher, student = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    for network, values in ((teacher, (4.0, 0.0, 8.0, 2.0, 5)), (student, (8.0, -4.0, 0.0, 6.0, 9))):
        names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        network.load_state_dict({name: torch.tensor([value]) for name, value in zip(names, values, strict=True)})
    return teacher, student


def state(network: nn.Module) -> dict[str, float]:
    return {name: value.item() for name, value in network.state_dict().items()}


def test_parameters_and_batch_norm_statistics_move_alike_and_counts_are_copied() -> None:
    teacher, student = networks()
    before = state(student)
    update_ema(teacher, student, 0.75)
    assert state(teacher) == {
        "weight": 5.0,
        "bias": -1.0,
        "running_mean": 6.0,
        "running_var": 3.0,
        "num_batches_tracked": 9,
    }
    assert state(student) == before


def test_without_decay_the_teacher_becomes_the_student() -> None:
    teacher, student = networks()
    update_ema(teacher, student, ema_decay(0, 0.999))
    assert state(teacher) == state(student)


def test_with_full_decay_only_counts_change() -> None:
    teacher, student = networks()
    before = state(teacher)
    update_ema(teacher, student, 1.0)
    assert state(teacher) == {**before, "num_batches_tracked": 9}


def test_several_steps_are_the_weighted_mean_of_all_students() -> None:
    torch.manual_seed(0)
    student = nn.Linear(3, 2).double()
    teacher = copy.deepcopy(student).requires_grad_(False)
    history = []
    for step in range(6):
        with torch.no_grad():
            student.weight.normal_()
        history.append(student.weight.detach().clone())
        update_ema(teacher, student, ema_decay(step, 0.999))
    torch.testing.assert_close(teacher.weight.data, torch.stack(history).mean(0), rtol=0, atol=1e-12)
    assert student.weight.requires_grad and not teacher.weight.requires_grad
