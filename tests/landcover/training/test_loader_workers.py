import pytest
import torch

from landcover.processes.group import Processes
from landcover.training.loader_workers import loader_workers


def gpu(world=1, device="cuda"):
    return Processes(0, world, torch.device(device))


@pytest.mark.parametrize(
    ("cores", "world", "expected"), [(64, 1, 8), (8, 1, 7), (2, 1, 1), (1, 1, 1), (16, 4, 3), (4, 4, 1)]
)
def test_a_gpu_gets_its_share_of_the_cores_less_one(machine, cores, world, expected):
    machine(cores)
    assert loader_workers(gpu(world)) == expected


def test_only_processes_of_the_same_machine_share_its_cores(machine, monkeypatch):
    machine(16)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert loader_workers(gpu(world=8)) == 3


def test_a_quota_bounds_the_workers(machine):
    machine(64, "400000 100000")
    assert loader_workers(gpu()) == 3


def test_a_cpu_trains_alone(machine):
    machine(64)
    assert loader_workers(gpu(device="cpu")) == 0
