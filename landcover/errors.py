"""Mistakes of the user, told in one line; everything else keeps its traceback."""

from __future__ import annotations

import functools
import os
import sys
import time
from collections.abc import Callable, Sequence

PATIENCE = 3.0
"""Seconds that other processes wait with an error for the first one's, whose end makes the launcher end them."""

NAMED = 3
"""Number of things that a message names; the rest is counted."""


class InputError(ValueError):
    """A file, folder, option or config key is not what the program needs.

    The message is one line: which file or key, what was expected, what was found, what to do.
    """


def shorten(names: Sequence[str]) -> str:
    """The first names of a list, and the number of further ones."""
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def command(main: Callable[[], None]) -> Callable[[], None]:
    """Wraps the main function of a command: an `InputError` becomes `error: <message>` and exit code 2.

    Under several processes the line appears once if all meet the same error: the others wait for `PATIENCE` seconds.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except InputError as error:
            if os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) != "0":
                time.sleep(PATIENCE)
            print(f"error: {_one_line(error)}", file=sys.stderr, flush=True)
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted; run the same command again to continue", file=sys.stderr)
            sys.exit(130)

    return wrapped


def _one_line(error: InputError) -> str:
    """The message alone: torch raises an error of a loader process again with its traceback in front."""
    return str(error).strip().rpartition("landcover.errors.InputError: ")[2]
