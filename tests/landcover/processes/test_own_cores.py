import torch

from landcover.processes.group import Processes
from landcover.processes.own_cores import own_cores


def test_processes_of_a_machine_share_its_cores_and_each_has_one(machine):
    machine(6)
    assert [own_cores(Processes(0, world, torch.device("cpu"))) for world in (1, 2, 4, 9)] == [6, 3, 1, 1]


def test_cores_that_slurm_gives_to_each_process_are_not_shared_out_again(machine, monkeypatch):
    machine(6)
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "5")
    assert own_cores(Processes(0, 4, torch.device("cpu"))) == 1  # of a job in which torchrun starts the processes
    monkeypatch.setenv("LAUNCHER", "slurm")
    assert own_cores(Processes(0, 4, torch.device("cpu"))) == 5
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "8")
    assert own_cores(Processes(0, 4, torch.device("cpu"))) == 6
