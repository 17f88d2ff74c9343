from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.profiles.shell_text import shell_text

ROOT = Path(__file__).parents[3]


def test_a_misspelt_variable_of_the_environment_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "SAR_OPTION": "x=1"}
    assert "RUN_DIR=" in shell_text("10_train_teachers.sh", [], ROOT, environment)
    assert capsys.readouterr().err == (
        "warning: SAR_OPTION in the environment is read by nothing; did you mean SAR_OPTIONS?\n"
    )


def test_run_all_checks_and_sets_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"PATH": os.environ["PATH"], "SAR_OPTION": "x=1"}
    assert shell_text("run_all.sh", [], ROOT, environment) == ""
    assert capsys.readouterr().err == ""  # its stages tell
    with pytest.raises(InputError, match="expected a profile, found no such file"):
        shell_text("run_all.sh", ["absent.sh"], ROOT, environment)


@pytest.mark.parametrize("arguments", [["-h"], ["--help"], ["configs/profiles/demo.sh", "--help"]])
def test_help_is_printed_and_ends_the_script(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    text = shell_text("40_predict_sar.sh", arguments, ROOT, os.environ)
    call = subprocess.run(["bash", "-c", f"{text}\necho more"], capture_output=True, text=True)
    assert call.returncode == 0
    assert call.stdout.startswith("Usage: bash tools/40_predict_sar.sh [PROFILE]\nPROFILE (")
    assert call.stdout.endswith("SAR_MODELS.\n") == (len(arguments) == 1)
    assert "more" not in call.stdout
