import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landcover.processes.group import Processes, start_processes

RANK_PROGRAM = """
from landcover.processes.group import start_processes
processes = start_processes()
assert start_processes() == processes
assert processes.any(processes.rank == 1) and not processes.any(False)
processes.barrier()
print(processes.rank, processes.world, processes.first, processes.share("abcde"))
"""


@pytest.fixture
def environment(monkeypatch):
    # set and deleted, so that what a test makes start_processes set is taken back as well
    for name in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT", "LAUNCHER", "SLURM_PROCID"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return monkeypatch


def test_every_item_is_shared_out_once():
    shares = [Processes(rank, 3, torch.device("cpu")).share(range(8)) for rank in range(3)]
    assert shares == [[0, 3, 6], [1, 4, 7], [2, 5]]
    assert Processes(0, 1, torch.device("cpu")).share("ab") == ["a", "b"]


def test_only_rank_0_is_first():
    assert [Processes(rank, 2, torch.device("cpu")).first for rank in range(2)] == [True, False]


def test_without_a_launcher_it_is_one_process(environment):
    processes = start_processes()
    assert processes == Processes(0, 1, torch.device("cpu"))
    processes.barrier()
    assert (processes.any(True), processes.any(False)) == (True, False)


def test_two_processes_find_each_other():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "CUDA_VISIBLE_DEVICES": "",
        "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).parents[3]),
    }  # fmt: skip
    started = [
        subprocess.Popen(
            [sys.executable, "-c", RANK_PROGRAM],
            env={**os.environ, **common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for rank in range(2)
    ]
    try:
        printed = [process.communicate(timeout=60)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert printed == ["0 2 True ['a', 'c', 'e']\n", "1 2 False ['b', 'd']\n"]


def test_places_under_slurm_come_from_its_variables(environment, tmp_path):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text('#!/bin/sh\n[ "$1 $2 $3" = "show hostnames node[7-8]" ] && printf "node7\\nnode8\\n"\n')
    scontrol.chmod(0o755)
    environment.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name, value in {
        "LAUNCHER": "slurm", "SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1",
        "SLURM_JOB_NODELIST": "node[7-8]", "SLURM_JOB_ID": "123456",
    }.items():  # fmt: skip
        environment.setenv(name, value)
    joined = []
    environment.setattr("torch.distributed.init_process_group", joined.append)
    assert start_processes() == Processes(5, 8, torch.device("cpu"))
    assert joined == ["gloo"]
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"], os.environ["LOCAL_RANK"]) == ("node7", "23456", "1")
