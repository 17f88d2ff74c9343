"""One measurement in a process of its own, with a limit: whatever happens to it, the benchmark goes on."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from multiprocessing.connection import Connection

Values = dict[str, float | str]
Work = Callable[[], Values]

LONGEST = 200
"""Characters that are told of an error."""

FAREWELL = 10.0
"""Seconds in which a process must end that has answered; its loaders end with it."""


def measured_alone(work: Work, seconds: float) -> Values:
    """What `work` finds in a fresh process, or `error`: in one line why it found nothing.

    Args:
        work: a function of a module or a `functools.partial` of one.
        seconds: after which the process is ended, its start included.
    """
    context = multiprocessing.get_context("spawn")
    near, far = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(far, work))
    process.start()
    far.close()
    patience = 0.0
    try:
        if not near.poll(seconds):
            return {"error": f"not finished within {seconds:.0f} s; try --minutes with more"}
        patience = FAREWELL
        values: Values = near.recv()
        return values
    except EOFError:
        process.join()
        return {"error": f"its process ended with exit code {process.exitcode}"}
    finally:
        process.join(patience)
        process.kill()
        process.join()


def measured(work: Work) -> Values:
    """What `work` finds in this process, or `error`."""
    try:
        return work()
    except Exception as error:  # what a benchmark meets on a machine that nobody has tried
        return {"error": one_line(error)}


def one_line(error: Exception) -> str:
    """Kind and beginning of an error."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {lines[0]}"[:LONGEST]


def _answer(connection: Connection, work: Work) -> None:
    connection.send(measured(work))
