"""Mistakes of the user, told in one line; everything else keeps its traceback."""

from __future__ import annotations

import errno
import functools
import os
import sys
import time
from collections.abc import Callable, Sequence

PATIENCE = 3.0
"""Seconds that other processes wait with an error for the first one's, whose end makes the launcher end them."""

NAMED = 3
"""Number of things that a message names; the rest is counted."""


FULL = {errno.ENOSPC, errno.EDQUOT}
NOT_ALLOWED = {errno.EACCES, errno.EPERM, errno.EROFS, errno.EEXIST, errno.ENOTDIR, errno.EISDIR}
"""What the system says where a file can not be read or written, through no fault of the program."""


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

    So does a file that can not be read or written because of its rights or a full disk. Under several processes the
    line appears once if all meet the same error: the others wait for `PATIENCE` seconds.
    """

    @functools.wraps(main)
    def wrapped() -> None:
        try:
            main()
        except (InputError, OSError) as error:
            if isinstance(error, OSError) and not _of_the_disk(error):
                raise
            if os.environ.get("RANK", os.environ.get("SLURM_PROCID", "0")) != "0":
                time.sleep(PATIENCE)
            print(f"error: {_told(error)}", file=sys.stderr, flush=True)
            sys.exit(2)
        except KeyboardInterrupt:
            print("interrupted; run the same command again to continue", file=sys.stderr)
            sys.exit(130)

    return wrapped


def _of_the_disk(error: OSError) -> bool:
    return error.errno in FULL or (error.errno in NOT_ALLOWED and bool(error.filename))


def _told(error: InputError | OSError) -> str:
    """The message alone: torch raises an error of a loader process again with its traceback in front."""
    if isinstance(error, OSError):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror}; make room or rights there, or choose another place, and run the command again"
    return str(error).strip().rpartition("landcover.errors.InputError: ")[2]
