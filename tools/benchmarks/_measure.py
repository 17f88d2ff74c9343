"""What the benchmarks share: one process for each side, taken in turns; medians, memory, the last line."""

from __future__ import annotations

import gc
import importlib
import json
import multiprocessing
import os
import re
import statistics
import time
import traceback
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Literal

Call = Callable[[], object]
Build = Callable[[], Call]
"""Prepares a side, in the side's own process: a function of a module or a `functools.partial` of one."""

PAIR_HEADS = ("plain s", "ours s", "speedup", "plain MiB", "ours MiB", "ours/plain")
"""Heads of the columns of `pair_cells`."""

MEBIBYTE = 1024**2

MALLOC = "MALLOC_"
"""How the names of the environment variables begin that glibc's allocator reads when a process starts."""


@dataclass(frozen=True)
class Cost:
    """What one call costs.

    Args:
        seconds: median wall time.
        memory: bytes by which the calls together raised the peak over what was held before the first.
    """

    seconds: float
    memory: int


def take_turns(builds: Mapping[str, Build], repeats: int, warm_up: int = 1, device: str = "cpu") -> dict[str, Cost]:
    """Cost of one call of every side.

    Each side lives in a fresh process, so that its allocator has served nobody else. All are prepared before the first
    call; then they are called in turns, and the order is reversed every round, so that a machine that becomes slower
    or faster meanwhile treats all alike.

    Args:
        builds: what prepares each side, by name.
        repeats: timed calls of each side.
        warm_up: calls of each side before that.
        device: `cpu` or `cuda`: what to wait for, and whose memory.
    """
    with ExitStack() as stack:
        sides = {name: stack.enter_context(_Side(name, build, device)) for name, build in builds.items()}
        for side in sides.values():
            side.wait_until_ready()
        seconds: dict[str, list[float]] = {name: [] for name in builds}
        for turn in range(-warm_up, repeats):
            for name in list(sides) if turn % 2 == 0 else reversed(sides):
                taken = sides[name].call()
                if turn >= 0:
                    seconds[name].append(taken)
        return {name: Cost(statistics.median(seconds[name]), side.memory()) for name, side in sides.items()}


def malloc_settings() -> str:
    """The settings of glibc's allocator that every process started from here gets, in words."""
    settings = [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.startswith(MALLOC)]
    return " ".join(settings) or "glibc's default"


def use_default_malloc() -> None:
    """Processes started from here on get glibc's default allocator."""
    for name in [name for name in os.environ if name.startswith(MALLOC)]:
        del os.environ[name]


def pair_cells(plain: Cost, ours: Cost, digits: int) -> tuple[str, ...]:
    """A row of both sides' costs: seconds, with that many digits, and memory."""
    seconds = (f"{plain.seconds:.{digits}f}", f"{ours.seconds:.{digits}f}", f"{plain.seconds / ours.seconds:.2f}")
    memory = (f"{plain.memory / MEBIBYTE:.0f}", f"{ours.memory / MEBIBYTE:.0f}", f"{ours.memory / plain.memory:.2f}")
    return (*seconds, *memory)


def print_result(ratios: Mapping[str, float]) -> None:
    """The last line of a benchmark: one flat JSON object."""
    print(json.dumps({name: round(ratio, 4) for name, ratio in ratios.items()}), flush=True)


def cpu_seconds(call: Call) -> float:
    """CPU seconds that all threads of this process take for one call."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def resident_bytes(field: Literal["VmRSS", "VmHWM"]) -> int:
    """What this process occupies in main memory, now or at its peak.

    Not `getrusage`: its maximum survives `exec` and so begins with that of the parent.
    """
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(encoding="ascii"), re.MULTILINE)
    assert found is not None, "Linux has it"
    return int(found[1]) * 1024


class _Side:
    """A process that prepares one side and then calls it whenever it is told to."""

    def __init__(self, name: str, build: Build, device: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._connection, far = context.Pipe()
        self._process = context.Process(target=_serve, args=(far, build, device), daemon=True)
        self._process.start()
        far.close()

    def __enter__(self) -> _Side:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # it has ended already
            self._connection.send("end")
        self._process.join(10)
        self._process.kill()

    def wait_until_ready(self) -> None:
        self._received()

    def call(self) -> float:
        """Seconds of one call."""
        self._connection.send("call")
        return self._received()

    def memory(self) -> int:
        """Bytes, see `Cost`."""
        self._connection.send("memory")
        return int(self._received())

    def _received(self) -> float:
        try:
            answer = self._connection.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"{self._name}: its process ended with exit code {self._process.exitcode}") from None
        if isinstance(answer, str):
            raise RuntimeError(f"{self._name}:\n{answer}")
        return float(answer)


def _serve(connection: Connection, build: Build, device: str) -> None:
    try:
        call = build()
        gc.collect()
        meter = _CudaMemory() if device == "cuda" else _ProcessMemory()
        connection.send(0.0)
        while (request := connection.recv()) != "end":
            connection.send(meter.growth() if request == "memory" else seconds_of(call, device))
    except EOFError:
        pass  # the benchmark has ended
    except Exception:
        connection.send(traceback.format_exc())


def _cuda() -> ModuleType:
    """`torch.cuda`; a side that does not use torch is measured without it."""
    return importlib.import_module("torch.cuda")


def seconds_of(call: Call, device: str) -> float:
    """Wall time of one call, until the device has done what it started."""
    wait = _cuda().synchronize if device == "cuda" else lambda: None
    wait()
    begin = time.perf_counter()
    call()
    wait()
    return time.perf_counter() - begin


class _CudaMemory:
    """What tensors take on the device."""

    def __init__(self) -> None:
        _cuda().reset_peak_memory_stats()
        self._before = _cuda().memory_allocated()

    def growth(self) -> int:
        return _cuda().max_memory_allocated() - self._before


class _ProcessMemory:
    """What the process occupies in main memory."""

    def __init__(self) -> None:
        with suppress(OSError):  # without it, a higher peak of the preparation would count
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._before = resident_bytes("VmRSS")

    def growth(self) -> int:
        return resident_bytes("VmHWM") - self._before
