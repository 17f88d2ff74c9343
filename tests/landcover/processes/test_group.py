import os
from datetime import timedelta

import pytest
import torch
from two_processes import run_by_two_processes

from landcover.processes.group import Processes, _tasks_per_node, rows_of_all_processes, start_processes

RANK_PROGRAM = """
import torch
from landcover.processes.group import rows_of_all_processes, start_processes
processes = start_processes()
assert start_processes() == processes
assert processes.any(processes.rank == 1) and not processes.any(False)
processes.barrier()
assert processes.gather("xy"[processes.rank]) == ["x", "y"]
rows = torch.tensor([[1, 2], [3, 4]]) + 10 * processes.rank
assert rows_of_all_processes(rows).tolist() == [[1, 2], [3, 4], [11, 12], [13, 14]]
looked_at = []
assert processes.unfinished("abcde", lambda item: looked_at.append(item) or item in "bc") == ["a", "d", "e"]
assert "".join(looked_at) == ["ace", "bd"][processes.rank]
# the second process takes an item first and works on it until the first has done all the others
handout, taken = processes.on_demand("abcdef"), []
if processes.first:
    processes.barrier()
    taken = list(handout)
    processes.barrier()
for pair in handout:
    taken.append(pair)
    processes.barrier()
    processes.barrier()
everything = [pair for pairs in processes.gather(taken) for pair in pairs]
assert sorted(everything) == list(enumerate("abcdef")), everything
assert len(taken) == [5, 1][processes.rank], taken
again = [item for _, item in processes.on_demand("ab")]  # from the beginning
assert sorted(item for items in processes.gather(again) for item in items) == ["a", "b"]
print(processes.rank, processes.world, processes.first, processes.share("abcde"))
"""


@pytest.fixture
def environment(monkeypatch):
    # set and deleted, so that what a test makes start_processes set is taken back as well
    for name in (
        "RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT", "LAUNCHER", "SLURM_PROCID"
    ):  # fmt: skip
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
    assert rows_of_all_processes(torch.tensor([[1], [2]])).tolist() == [[1], [2]]


def test_two_processes_find_each_other_and_share_work():
    assert run_by_two_processes(RANK_PROGRAM) == ["0 2 True ['a', 'c', 'e']\n", "1 2 False ['b', 'd']\n"]


def test_places_under_slurm_come_from_its_variables(environment, tmp_path):
    scontrol = tmp_path / "scontrol"
    scontrol.write_text('#!/bin/sh\n[ "$1 $2 $3" = "show hostnames node[7-8]" ] && printf "node7\\nnode8\\n"\n')
    scontrol.chmod(0o755)
    environment.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    for name, value in {
        "LAUNCHER": "slurm", "SLURM_PROCID": "5", "SLURM_NTASKS": "8", "SLURM_LOCALID": "1",
        "SLURM_JOB_NODELIST": "node[6-9]", "SLURM_STEP_NODELIST": "node[7-8]", "SLURM_JOB_ID": "123456",
        "SLURM_STEP_TASKS_PER_NODE": "4(x2)", "SLURM_NODEID": "1",
    }.items():  # fmt: skip
        environment.setenv(name, value)
    joined = []
    environment.setattr(
        "torch.distributed.init_process_group", lambda backend, timeout: joined.append((backend, timeout))
    )
    assert start_processes() == Processes(5, 8, torch.device("cpu"))
    assert joined == [("gloo", timedelta(hours=4))]
    assert (os.environ["MASTER_ADDR"], os.environ["MASTER_PORT"], os.environ["LOCAL_RANK"]) == ("node7", "23456", "1")
    assert os.environ["LOCAL_WORLD_SIZE"] == "4"


@pytest.mark.parametrize(("text", "counts"), [("", []), ("3", [3]), ("4(x2),1", [4, 4, 1]), ("2,1(x2)", [2, 1, 1])])
def test_tasks_per_node_are_told_in_short(text, counts):
    assert _tasks_per_node(text) == counts
