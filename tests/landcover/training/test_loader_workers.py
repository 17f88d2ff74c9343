import pytest
import torch

from landcover.processes.group import Processes
from landcover.training import loader_workers as module
from landcover.training.loader_workers import loader_workers, usable_cores


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """Sets the cores that the process is bound to and its container's quota."""

    def set_up(cores, quota=None):
        monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
        monkeypatch.setattr(module.os, "sched_getaffinity", lambda _: set(range(cores)))
        monkeypatch.setattr(module, "CPU_QUOTA", tmp_path / "cpu.max")
        if quota is not None:
            (tmp_path / "cpu.max").write_text(quota)

    return set_up


def gpu(world=1, device="cuda"):
    return Processes(0, world, torch.device(device))


@pytest.mark.parametrize(
    ("cores", "quota", "expected"),
    [
        (6, None, 6),
        (6, "max 100000\n", 6),
        (6, "400000 100000\n", 4),
        (6, "150000 100000\n", 1),
        (6, "50000 100000\n", 1),
        (6, "800000 100000\n", 6),
        (6, "nonsense", 6),
    ],
)
def test_usable_cores_are_bound_by_affinity_and_quota(machine, cores, quota, expected):
    machine(cores, quota)
    assert usable_cores() == expected


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
