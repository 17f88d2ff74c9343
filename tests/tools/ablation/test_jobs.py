from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from landcover.errors import InputError
from tools.ablation.jobs import Command, Job, locked, run_jobs


@pytest.fixture
def scripts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Folder of modules that jobs can run: `good OUT` finishes, `bad` fails, `slow OUT` waits to be stopped."""
    folder = tmp_path / "scripts"
    folder.mkdir()
    write = "import sys, os\nfrom pathlib import Path\nout = Path(sys.argv[1])\nout.mkdir(parents=True)\n"
    (folder / "good.py").write_text(
        f"{write}(out / 'threads').write_text(os.environ['OMP_NUM_THREADS'])\n"
        "(out / 'manifest.json').write_text('{\"files\": []}')"
    )
    (folder / "bad.py").write_text("import sys\nprint('a line')\nsys.exit('error: too bad')")
    (folder / "slow.py").write_text(write + "(out / 'pid').write_text(str(os.getpid()))\nimport time\ntime.sleep(60)")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    return folder


def job(folder: Path, *modules: str) -> Job:
    outputs = [folder / module for module in modules]
    commands = [Command("training", (module, str(out)), out) for module, out in zip(modules, outputs, strict=True)]
    return Job(folder.name, folder, tuple(commands), "data")


def test_a_finished_job_is_recorded_with_its_time(scripts: Path, tmp_path: Path) -> None:
    told = []
    ready, other = job(tmp_path / "ready", "good"), job(tmp_path / "other", "good")
    with locked(tmp_path) as lock:
        run_jobs([ready, other], 2, 3, "here", lock, lambda job, seconds, left: told.append((job.name, left)))
    assert sorted(name for name, _ in told) == ["other", "ready"] and [left for _, left in told] == [1, 0]
    assert ready.finished and not replace(ready, made_from="other data").finished
    assert ready.record()["machine"] == "here" and ready.record()["seconds"]["training"] > 0
    assert (tmp_path / "ready" / "good" / "threads").read_text() == "3"
    (tmp_path / "ready" / "good" / "manifest.json").unlink()
    assert not ready.finished


def test_a_failing_job_stops_the_others_and_gives_its_last_line(scripts: Path, tmp_path: Path) -> None:
    slow, bad, never = job(tmp_path / "slow", "slow"), job(tmp_path / "bad", "bad"), job(tmp_path / "never", "good")
    with locked(tmp_path) as lock, pytest.raises(InputError, match=r"^bad: training stopped with .*: too bad "):
        run_jobs([slow, bad, never], 2, 1, "here", lock, lambda job, seconds, left: None)
    assert not any(one.finished for one in (slow, bad, never)) and not never.folder.exists()
    assert slow.record()["seconds"]["training"] > 0  # what it had done counts
    pid = tmp_path / "slow" / "slow" / "pid"
    if pid.exists():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid.read_text()), 0)


def test_two_studies_never_share_a_folder(tmp_path: Path) -> None:
    with locked(tmp_path), pytest.raises(InputError, match="expected no other study at work here"):
        with locked(tmp_path):
            pass
    with locked(tmp_path):
        pass
