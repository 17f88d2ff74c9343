import errno
import subprocess
import sys

import pytest

from landcover.errors import PATIENCE, InputError, command


def fail(error):
    @command
    def main():
        """The main function."""
        raise error

    return main


def test_a_mistake_of_the_user_is_one_line_and_exit_code_2(capsys, monkeypatch):
    monkeypatch.delenv("RANK", raising=False)
    monkeypatch.delenv("SLURM_PROCID", raising=False)
    with pytest.raises(SystemExit) as stop:
        fail(InputError("a.tif: expected one band, found 3"))()
    assert stop.value.code == 2
    assert capsys.readouterr() == ("", "error: a.tif: expected one band, found 3\n")


def test_a_mistake_found_in_a_loader_process_is_one_line_too(capsys, monkeypatch):
    monkeypatch.setenv("RANK", "0")
    text = "Caught InputError in DataLoader worker process 0.\nOriginal Traceback:\n  ...\n"
    with pytest.raises(SystemExit):
        fail(InputError(f"{text}landcover.errors.InputError: a.tif: found 3\n"))()
    assert capsys.readouterr().err == "error: a.tif: found 3\n"


@pytest.mark.parametrize("variable", ["RANK", "SLURM_PROCID"])
@pytest.mark.parametrize(("rank", "waited"), [("0", []), ("3", [PATIENCE])])
def test_of_many_processes_the_first_one_prints_at_once(capsys, monkeypatch, variable, rank, waited):
    for name in ("RANK", "SLURM_PROCID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, rank)
    waits = []
    monkeypatch.setattr("landcover.errors.time.sleep", waits.append)
    with pytest.raises(SystemExit) as stop:
        fail(InputError("no"))()
    assert (stop.value.code, waits) == (2, waited)
    assert capsys.readouterr().err == "error: no\n"


@pytest.mark.parametrize("failing", ["0 1", "1"])
def test_under_torchrun_an_error_of_all_or_of_one_is_told_once(tmp_path, failing):
    script = tmp_path / "fails.py"
    script.write_text(
        "import os, time\nfrom landcover.errors import InputError, command\n"
        "@command\ndef main():\n"
        f"    if os.environ['RANK'] in '{failing}'.split():\n        raise InputError('tile.tif: damaged')\n"
        "    time.sleep(60)\nmain()\n"
    )
    words = ["torch.distributed.run", "--standalone", "--nproc_per_node", "2", str(script)]
    call = subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, timeout=120)
    assert call.returncode != 0
    assert [line for line in call.stderr.splitlines() if line.startswith("error: ")] == ["error: tile.tif: damaged"]


def test_an_interrupt_says_how_to_go_on(capsys):
    with pytest.raises(SystemExit) as stop:
        fail(KeyboardInterrupt())()
    assert stop.value.code == 130
    assert capsys.readouterr().err == "interrupted; run the same command again to continue\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(errno.EACCES, "Permission denied", "/d/a.tif"), "/d/a.tif: Permission denied; "),
        (OSError(errno.EROFS, "Read-only file system", "/d"), "/d: Read-only file system; "),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device; "),
    ],
)
def test_rights_and_full_disks_are_told_in_one_line(capsys, error, told):
    with pytest.raises(SystemExit) as stop:
        fail(error)()
    assert stop.value.code == 2
    cure = "make room or rights there, or choose another place, and run the command again"
    assert capsys.readouterr().err == f"error: {told}{cure}\n"


@pytest.mark.parametrize("error", [FileNotFoundError(errno.ENOENT, "No such file", "a"), OSError(errno.EACCES, "no")])
def test_other_errors_of_the_system_keep_their_traceback(error):
    with pytest.raises(OSError, match=r"no|No such file"):
        fail(error)()


def test_other_errors_keep_their_traceback_and_the_function_its_name():
    with pytest.raises(ZeroDivisionError):
        fail(ZeroDivisionError())()
    assert fail(None).__name__ == "main" and fail(None).__doc__ == "The main function."


def test_a_main_without_error_returns():
    calls = []
    command(lambda: calls.append(1))()
    assert calls == [1]
