from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.training.training_process import TrainingProcess

MODULE = """
import os, signal, sys, time

told = " ".join(sys.argv[1:])
if "talk" in told:
    print(told, os.environ["OMP_NUM_THREADS"], flush=True)
    sys.stderr.write("model: 1/2")
    sys.stderr.flush()
    time.sleep(0.2)
    sys.stderr.write(", 1 s\\n")
if "fail" in told:
    sys.stderr.write("error: a.tif: expected a tile, found none\\nmodel: last words\\n")
    sys.exit(2)
if "die" in told:
    os.kill(os.getpid(), signal.SIGKILL)
if "wait" in told:
    print("waits", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    (tmp_path / "training_for_test.py").write_text(MODULE)
    monkeypatch.setattr(sys, "argv", ["command", "a.py", "--jobs", "3"])
    return {**os.environ, "PYTHONPATH": str(tmp_path), "OMP_NUM_THREADS": "5"}


def ended(process: TrainingProcess) -> bool:
    while not process.ended():
        time.sleep(0.01)
    return True


def test_lines_are_passed_on_whole(environment: dict[str, str], capfd: pytest.CaptureFixture[str]) -> None:
    models = [TrainingProcess("training_for_test", name, environment) for name in ("talk_1", "talk_2")]
    assert all(map(ended, models))
    out, err = capfd.readouterr()
    assert sorted(out.splitlines()) == [
        f"a.py --jobs 3 --jobs 1 --only {name} --one-of-many 5" for name in ("talk_1", "talk_2")
    ]
    assert err == "model: 1/2, 1 s\n" * 2
    assert 0 < models[0].minutes < 1


def test_the_error_of_a_failed_training_is_raised_and_not_told_twice(
    environment: dict[str, str], capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InputError, match=r"^a\.tif: expected a tile, found none$"):
        ended(TrainingProcess("training_for_test", "fail", environment))
    assert capfd.readouterr().err == "model: last words\n"


def test_a_training_that_was_killed_is_told_by_name(environment: dict[str, str]) -> None:
    with pytest.raises(InputError, match=r"^model die: expected its training to end well, it ended with exit code -9"):
        ended(TrainingProcess("training_for_test", "die", environment))


def test_a_stopped_training_is_gone(environment: dict[str, str]) -> None:
    process = TrainingProcess("training_for_test", "wait", environment)
    assert not process.ended()
    process.stop()
    assert process._process.returncode == -signal.SIGTERM
