"""Programs run by two processes of one group."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]


def run_by_two_processes(program: str, *arguments: object, timeout: float = 120) -> list[str]:
    """What a Python program prints in the first process of two and in the second; both end without an error."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
    }  # fmt: skip
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return outputs(
        [command] * 2, [{**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} for rank in range(2)], timeout
    )


def outputs(
    commands: Sequence[Sequence[str]], environments: Sequence[Mapping[str, str]], timeout: float = 120
) -> list[str]:
    """What commands print that run at the same time, each with variables of its own; all end without an error."""
    python = {
        "CUDA_VISIBLE_DEVICES": "", "OMP_NUM_THREADS": "1", "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}"
    }  # fmt: skip
    started = [
        subprocess.Popen(command, env={**os.environ, **python, **variables}, stdout=subprocess.PIPE, text=True)
        for command, variables in zip(commands, environments, strict=True)
    ]
    try:
        printed = [process.communicate(timeout=timeout)[0] for process in started]
    finally:
        for process in started:
            process.kill()
    assert [process.returncode for process in started] == [0] * len(started)
    return printed
