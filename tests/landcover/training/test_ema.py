import copy

import pytest
import torch
from torch import nn

from landcover.training.ema import ema_decay, update_ema


@pytest.mark.parametrize(
    ("step", "decay"), [(0, 0.0), (1, 0.5), (3, 0.75), (99, 0.99), (998, 998 / 999), (999, 0.999), (80000, 0.999)]
)
def test_decay_grows_with_the_steps_up_to_its_limit(step: int, decay: float) -> None:
    assert ema_decay(step, 0.999) == pytest.approx(decay, abs=1e-15)


def networks() -> tuple[nn.BatchNorm1d, nn.BatchNorm1d]:
    """Average with weight 4, bias 0, mean 8, variance 2; network with weight 8, bias -4, mean 0, variance 6."""
    average, network = nn.BatchNorm1d(1), nn.BatchNorm1d(1)
    for module, values in ((average, (4.0, 0.0, 8.0, 2.0, 5)), (network, (8.0, -4.0, 0.0, 6.0, 9))):
        names = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
        module.load_state_dict({name: torch.tensor([value]) for name, value in zip(names, values, strict=True)})
    return average, network


def state(network: nn.Module) -> dict[str, float]:
    return {name: value.item() for name, value in network.state_dict().items()}


def test_parameters_and_batch_norm_statistics_move_alike_and_counts_are_copied() -> None:
    average, network = networks()
    before = state(network)
    update_ema(average, network, 0.75)
    assert state(average) == {
        "weight": 5.0,
        "bias": -1.0,
        "running_mean": 6.0,
        "running_var": 3.0,
        "num_batches_tracked": 9,
    }
    assert state(network) == before


def test_without_decay_the_average_becomes_the_network() -> None:
    average, network = networks()
    update_ema(average, network, ema_decay(0, 0.999))
    assert state(average) == state(network)


def test_with_full_decay_only_counts_change() -> None:
    average, network = networks()
    before = state(average)
    update_ema(average, network, 1.0)
    assert state(average) == {**before, "num_batches_tracked": 9}


def test_several_steps_are_the_weighted_mean_of_all_networks() -> None:
    torch.manual_seed(0)
    network = nn.Linear(3, 2).double()
    average = copy.deepcopy(network).requires_grad_(False)
    history = []
    for step in range(6):
        with torch.no_grad():
            network.weight.normal_()
        history.append(network.weight.detach().clone())
        update_ema(average, network, ema_decay(step, 0.999))
    torch.testing.assert_close(average.weight.data, torch.stack(history).mean(0), rtol=0, atol=1e-12)
    assert network.weight.requires_grad and not average.weight.requires_grad
