"""The demo scenes that a command of this folder reads."""

from __future__ import annotations

from pathlib import Path

from landcover.demo_scenes.write import FINISHED, write_demo
from landcover.errors import InputError


def demo_scenes(given: Path | None, run_dir: Path) -> Path:
    """Folder of the scenes that `--data` names; without it `<run_dir>/data`, into which they are written.

    Raises:
        InputError: there are none in the folder that was given.
    """
    if given is None:
        write_demo(run_dir / "data")
        return (run_dir / "data").resolve()
    if not (given / FINISHED).is_file():
        raise InputError(f"--data {given}: expected demo scenes with {FINISHED}, found none; leave --data out")
    return given.resolve()
