"""Trainings and predictions of a study as subprocesses, several at a time, continued after a kill."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

from landcover.errors import InputError
from landcover.processes.side_by_side import run_side_by_side
from landcover.run_files.atomic import write_json
from landcover.run_files.manifest import FINISHED, digest_text, read_manifest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Command:
    """One subprocess of a job.

    Args:
        kind: what its time is booked on.
        words: module and arguments, behind `python -m`.
        output: folder that it fills and gives a manifest.
    """

    kind: Literal["training", "prediction"]
    words: tuple[str, ...]
    output: Path

    @property
    def complete(self) -> bool:
        """Whether all files of the output are there; the command itself checks from what they were made."""
        if not (self.output / FINISHED).exists():
            return False
        files = [(self.output / row["name"], row["size"]) for row in read_manifest(self.output / FINISHED)["files"]]
        return all(path.is_file() and path.stat().st_size == size for path, size in files)


@dataclass(frozen=True)
class Job:
    """One model of one seed: its training, then its predictions.

    Args:
        name: for messages.
        folder: receives `job.json` (times, machine) and `log.txt`, apart from what the commands write.
        commands: in order.
        made_from: what else the result depends on, so that a finished job is run again once it changes.
    """

    name: str
    folder: Path
    commands: tuple[Command, ...]
    made_from: str

    @property
    def log(self) -> Path:
        """Output of all commands."""
        return self.folder / "log.txt"

    @property
    def fingerprint(self) -> str:
        """Digest of commands and `made_from`."""
        return digest_text(json.dumps([[command.words for command in self.commands], self.made_from]))

    @property
    def finished(self) -> bool:
        """Whether all outputs are there, made from the same; anything else is left to the commands to judge."""
        return self.record().get("finished") == self.fingerprint and all(command.complete for command in self.commands)

    def record(self) -> dict[str, Any]:
        """Content of `job.json`: `seconds` by kind of command over all runs, `machine`, `finished`."""
        try:
            content = json.loads((self.folder / "job.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {}
        return content if isinstance(content, dict) else {}

    def write_record(self, **changed: object) -> None:
        """Replaces values of `job.json`."""
        write_json(self.folder / "job.json", {**self.record(), **changed})


def run_jobs(
    jobs: Sequence[Job],
    parallel: int,
    threads: int,
    machine: str,
    lock: int,
    tell: Callable[[Job, float, int], None],
) -> None:
    """Runs jobs in order, `parallel` at a time; all are stopped if one fails.

    Args:
        jobs: see `Job`.
        parallel: number of jobs at a time.
        threads: of each.
        machine: what they run on, for the records.
        lock: file descriptor that the subprocesses inherit, see `locked`.
        tell: called with every finished job, its seconds and the number of jobs left.

    Raises:
        InputError: a command failed; gives the last line of its output.
    """
    # Unbuffered, so that the last line of a log is what was said last, on either stream.
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "PYTHONUNBUFFERED": "1"}
    run_side_by_side(
        [partial(_Running, job, environment, machine, lock) for job in jobs],
        parallel,
        lambda run, left: tell(run.job, run.seconds, left),
    )


@contextmanager
def locked(folder: Path) -> Iterator[int]:
    """Keeps other studies out of `folder` until this process and all that inherited the descriptor have ended.

    Raises:
        InputError: a study, or a training that one has left behind, is at work there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(
                f"{folder}: expected no other study at work here, found one; wait for it, or choose another --run-dir"
            ) from None
        yield file.fileno()


class _Running:
    """A started job."""

    def __init__(self, job: Job, environment: dict[str, str], machine: str, lock: int) -> None:
        self.job, self.seconds = job, 0.0
        self._environment, self._lock = environment, lock
        self._waiting = deque(job.commands)
        job.write_record(machine=machine, finished=None)
        self._log: IO[bytes] = job.log.open("ab")
        self._start()

    def ended(self) -> bool:
        """Whether the last command is through; starts the next one otherwise."""
        code = self._process.poll()
        if code is None:
            return False
        self._book()
        if code:
            raise InputError(
                f"{self.job.name}: {self._command.kind} stopped with exit code {code}: {_last_line(self.job.log)} "
                f"(all of it in {self.job.log}); correct it and run the same command again"
            )
        if self._waiting:
            self._start()
            return False
        self._log.close()
        self.job.write_record(finished=self.job.fingerprint)
        return True

    def stop(self) -> None:
        """Ends the command; the next run of the study continues it."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.wait()
            self._book()
        self._log.close()

    def _start(self) -> None:
        self._command = self._waiting.popleft()
        self._began, self._counts = time.monotonic(), not self._command.complete
        self._process = subprocess.Popen(
            [sys.executable, "-m", *self._command.words],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            pass_fds=(self._lock,),
        )

    def _book(self) -> None:
        """Adds the command's time to the record, unless it only had to see that its output is there."""
        seconds = time.monotonic() - self._began
        self.seconds += seconds
        if self._counts:
            booked = self.job.record().get("seconds", {})
            kind = self._command.kind
            self.job.write_record(seconds={**booked, kind: booked.get(kind, 0.0) + seconds})


def _last_line(path: Path) -> str:
    lines = path.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].strip().removeprefix("error: ") if lines else "no output"
