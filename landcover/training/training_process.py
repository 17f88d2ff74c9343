"""One training of a command in a process of its own."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from threading import Lock, Thread
from typing import IO

from landcover.errors import InputError

READING_SECONDS = 5.0
"""How long the end of its output is waited for; loader processes may hold it open."""

_one_line = Lock()


class TrainingProcess:
    """The command that is running, started again for one model; what it says is passed on line by line.

    Args:
        module: of the command; its arguments are those of this process.
        name: of the model.
        environment: of the process.
    """

    def __init__(self, module: str, name: str, environment: Mapping[str, str]) -> None:
        self.name = name
        self._error, self._began = "", time.monotonic()
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *sys.argv[1:], "--jobs", "1", "--only", name, "--one-of-many"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="backslashreplace",
        )
        assert self._process.stdout and self._process.stderr, "both are pipes"
        streams = ((self._process.stdout, sys.stdout), (self._process.stderr, sys.stderr))
        self._readers = [Thread(target=self._pass_on, args=pair, daemon=True) for pair in streams]
        for reader in self._readers:
            reader.start()

    @property
    def minutes(self) -> float:
        """Since it was started."""
        return (time.monotonic() - self._began) / 60

    def ended(self) -> bool:
        """Whether the model is trained.

        Raises:
            InputError: it failed; the message is the one of the process.
        """
        code = self._process.poll()
        if code is None:
            return False
        self._read_to_the_end()
        if code:
            raise InputError(
                self._error
                or f"model {self.name}: expected its training to end well, it ended with exit code {code}, see above; "
                "correct it (-9: memory may have been short, set JOBS=1) and run the same command again"
            )
        return True

    def stop(self) -> None:
        """Ends the training; the same command goes on with it."""
        self._process.terminate()
        self._process.wait()
        self._read_to_the_end()

    def _read_to_the_end(self) -> None:
        for reader in self._readers:
            reader.join(READING_SECONDS)

    def _pass_on(self, lines: IO[str], stream: IO[str]) -> None:
        with lines:  # where nobody takes them any more, the process shall not wait
            for line in lines:
                if line.startswith("error: "):
                    self._error = line.removeprefix("error: ").strip()
                    continue
                with _one_line:
                    stream.write(line)
                    stream.flush()
