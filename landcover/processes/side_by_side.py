"""Several subprocesses at a time, of which none is left behind."""

from __future__ import annotations

import signal
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol, TypeVar

POLL_SECONDS = 0.1


class Running(Protocol):
    """Work of one subprocess, or of several after each other, that is under way."""

    def ended(self) -> bool:
        """Whether all of it is done; an error if it failed."""

    def stop(self) -> None:
        """Ends it, if it is not over, and waits for that."""


Work = TypeVar("Work", bound=Running)


def run_side_by_side(starts: Sequence[Callable[[], Work]], parallel: int, tell: Callable[[Work, int], None]) -> None:
    """Starts work in order, `parallel` at a time; all is stopped if one fails, and on Ctrl-C and SIGTERM.

    Args:
        starts: each starts one and returns it.
        parallel: how many at a time.
        tell: called with each as it ends, and the number of those left.

    Raises:
        KeyboardInterrupt: for SIGTERM too.
        Exception: the first of `Running.ended`.
    """
    waiting, running = deque(starts), list[Work]()
    try:
        with _handled(signal.SIGTERM, signal.default_int_handler):
            while waiting or running:
                while waiting and len(running) < parallel:
                    # A terminal sends Ctrl-C to all: who started them stops them, and it is told once.
                    with _handled(signal.SIGINT, signal.SIG_IGN):
                        running.append(waiting.popleft()())
                time.sleep(POLL_SECONDS)
                for work in list(running):
                    if work.ended():
                        running.remove(work)
                        tell(work, len(waiting) + len(running))
    finally:
        for work in running:
            work.stop()


@contextmanager
def _handled(number: signal.Signals, handler: Callable[..., object] | signal.Handlers) -> Iterator[None]:
    """Sets the handler of a signal for a while; a subprocess that is started meanwhile ignores what is ignored."""
    before = signal.signal(number, handler)
    try:
        yield
    finally:
        signal.signal(number, before)
