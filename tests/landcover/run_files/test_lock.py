from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.run_files.lock import lock, unlock

HOLD = (
    "import sys, time; from pathlib import Path; from landcover.run_files.lock import lock; lock(Path(sys.argv[1])); "
)


def holder(folder: Path, then: str) -> subprocess.Popen[str]:
    """Another command that has the lock."""
    words = [sys.executable, "-c", f"{HOLD}print('held', flush=True); {then}", str(folder)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout and process.stdout.readline() == "held\n"
    return process


def test_another_command_is_kept_out_until_the_first_has_ended_however(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "folder"
    process = holder(folder, "time.sleep(60)")
    for _ in range(2):
        with pytest.raises(
            InputError, match="folder: expected no other command at work here, found one; wait until it"
        ):
            lock(folder)
    process.send_signal(signal.SIGKILL)
    process.wait()
    lock(folder)
    unlock(folder)
    assert list(folder.iterdir()) == []


def test_a_process_locks_again_what_it_has_and_what_was_deleted(tmp_path: Path) -> None:
    lock(tmp_path / "a")
    lock(tmp_path / "a")
    shutil.rmtree(tmp_path / "a")
    lock(tmp_path / "a")
    assert [path.name for path in (tmp_path / "a").iterdir()] == [".lock"]
    unlock(tmp_path / "a")
    unlock(tmp_path / "a")


def test_processes_that_a_command_starts_do_not_hold_its_lock(tmp_path: Path) -> None:
    process = holder(tmp_path, "import os; os.fork() or time.sleep(60)")
    process.wait()
    lock(tmp_path)
    unlock(tmp_path)
