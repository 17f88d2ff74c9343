"""Two processes on two nodes of a job: two network namespaces, which see each other through one link alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from two_processes import outputs

ADDRESSES = ("192.168.77.1", "192.168.77.2")

PROGRAM = """
import os
from pathlib import Path
import torch
from torch.nn.parallel import DistributedDataParallel
from landcover.processes.cores import usable_cores
from landcover.processes.own_cores import own_cores
from landcover.processes.group import start_processes

processes = start_processes()
assert len(set(processes.gather(str(Path("/proc/self/ns/net").readlink())))) == 2  # two networks
assert own_cores(processes) == usable_cores()  # each has its node for itself
model = DistributedDataParallel(torch.nn.Linear(2, 1, bias=False))
model(torch.tensor([[1.0, 0.0], [0.0, 3.0]][processes.rank])).sum().backward()
taken = [item for _, item in processes.on_demand("abcde")]
assert sorted(item for items in processes.gather(taken) for item in items) == list("abcde")
processes.barrier()
print(processes.rank, processes.world, os.environ["MASTER_ADDR"], model.module.weight.grad.tolist())
"""


def ip(words: str) -> None:
    """Calls `ip`; where it may not, the test is left out."""
    if shutil.which("ip") is None:
        pytest.skip("needs network namespaces, and there is no program ip")
    call = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
    if call.returncode:
        pytest.skip(f"needs network namespaces: ip {words}: {call.stderr.strip()}")


@pytest.fixture
def nodes() -> Iterator[list[str]]:
    """Names of two network namespaces, with a link `net0` between them."""
    names = [f"landcover-{os.getpid()}-{number}" for number in range(2)]
    try:
        for name in names:
            ip(f"netns add {name}")
        ip(f"link add net0 netns {names[0]} type veth peer name net0 netns {names[1]}")
        for name, address in zip(names, ADDRESSES, strict=True):
            ip(f"-n {name} address add {address}/24 dev net0")
            ip(f"-n {name} link set net0 up")
            ip(f"-n {name} link set lo up")
        yield names
    finally:
        for name in names:
            if shutil.which("ip"):
                subprocess.run(["ip", "netns", "delete", name], capture_output=True, check=False)


def test_processes_on_two_nodes_of_a_slurm_job_find_each_other_and_train_together(
    nodes: list[str], tmp_path: Path
) -> None:
    scontrol = tmp_path / "scontrol"
    scontrol.write_text(f"#!/bin/sh\nprintf '{ADDRESSES[0]}\\n{ADDRESSES[1]}\\n'\n")
    scontrol.chmod(0o755)
    job = {
        "LAUNCHER": "slurm", "SLURM_NTASKS": "2", "SLURM_JOB_ID": "7", "SLURM_JOB_NODELIST": "node[1-2]",
        "SLURM_STEP_TASKS_PER_NODE": "1(x2)", "SLURM_LOCALID": "0", "GLOO_SOCKET_IFNAME": "net0",
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
    }  # fmt: skip
    printed = outputs(
        [["ip", "netns", "exec", node, sys.executable, "-c", PROGRAM] for node in nodes],
        [{**job, "SLURM_PROCID": str(rank), "SLURM_NODEID": str(rank)} for rank in range(2)],
    )
    assert printed == [f"{rank} 2 {ADDRESSES[0]} [[0.5, 1.5]]\n" for rank in range(2)]
