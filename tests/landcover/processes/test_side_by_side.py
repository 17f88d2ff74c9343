from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from landcover.processes.side_by_side import run_side_by_side


class Steps:
    """Work that has ended when it was asked `steps` times; a negative number fails at the first."""

    def __init__(self, name: str, steps: int, events: list[str]) -> None:
        self.name, self.steps, self.events = name, steps, events
        events.append(f"start {name}")

    def ended(self) -> bool:
        if self.steps < 0:
            raise ValueError(f"{self.name} failed")
        self.steps -= 1
        return self.steps == 0

    def stop(self) -> None:
        self.events.append(f"stop {self.name}")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("landcover.processes.side_by_side.POLL_SECONDS", 0.001)


def starts(events: list[str], **steps: int) -> list[Callable[[], Steps]]:
    return [partial(Steps, name, count, events) for name, count in steps.items()]


@pytest.mark.parametrize(
    ("parallel", "expected"),
    [
        (1, "start a, end a 2, start b, end b 1, start c, end c 0"),
        (2, "start a, start b, end b 2, start c, end c 1, end a 0"),
        (5, "start a, start b, start c, end b 2, end c 1, end a 0"),
    ],
)
def test_work_starts_in_order_as_places_become_free(parallel: int, expected: str) -> None:
    events: list[str] = []
    run_side_by_side(
        starts(events, a=4, b=1, c=2), parallel, lambda work, left: events.append(f"end {work.name} {left}")
    )
    assert ", ".join(events) == expected


def test_one_that_fails_stops_the_others_and_no_further_one_starts() -> None:
    events: list[str] = []
    with pytest.raises(ValueError, match=r"^b failed$"):
        run_side_by_side(starts(events, a=9, b=-1, c=1), 2, lambda work, left: None)
    assert events == ["start a", "start b", "stop a", "stop b"]


class Sleep:
    """A process that reports how it treats Ctrl-C and waits; once it has, this process gets a signal."""

    def __init__(self, number: signal.Signals) -> None:
        program = "import signal, time; print(signal.getsignal(signal.SIGINT), flush=True); time.sleep(60)"
        self.number, self.said = number, ""
        self.process = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)

    def ended(self) -> bool:
        assert self.process.stdout
        self.said = self.process.stdout.readline()
        os.kill(os.getpid(), self.number)
        return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


@pytest.fixture
def as_in_a_terminal() -> Iterator[None]:
    """Ctrl-C is heeded; where tests run in the background, they were started to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_all_and_handlers_are_left_as_they_were(as_in_a_terminal: None, number: signal.Signals) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)]
    started: list[Sleep] = []

    def start() -> Sleep:
        started.append(Sleep(number))
        return started[-1]

    with pytest.raises(KeyboardInterrupt):
        run_side_by_side([start], 1, lambda work, left: None)
    assert started[0].process.returncode == -signal.SIGTERM
    assert started[0].said.strip() in ("Handlers.SIG_IGN", "1")
    assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)] == before
