from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.profiles.defaults import all_values, require
from landcover.profiles.profile import Profile

ROOT = Path("/re po")


def given(**values: str | tuple[str, ...]) -> Profile:
    return Profile("mine.sh", values, {})


def test_values_that_follow_from_others() -> None:
    values = all_values(given(DFC_ROOT="/d", SAR_MODELS="a.py /x/b.py"), ROOT)
    assert values["TRUTH_ROOT"] == "/d"
    assert values["SAR_MODELS"] == ("/re po/a.py", "/x/b.py")
    assert values["ENSEMBLE"] == ("a", "b")
    assert values["AVERAGE"] == "logits"
    assert values["PRETRAINED_DIR"] == "/re po/pretrained"
    assert (values["LABELS"], values["AGREE_WITH"], values["SLURM_OPTIONS"]) == ("", (), ("--gpus-per-task=1",))
    assert "OEM_ROOT" not in values


def test_given_values_come_before_defaults() -> None:
    values = all_values(given(DFC_ROOT="/d", TRUTH_ROOT="/t", ENSEMBLE="a", ENSEMBLE_WEIGHTS="w.json"), ROOT)
    assert (values["TRUTH_ROOT"], values["ENSEMBLE"], values["AVERAGE"]) == ("/t", ("a",), "")
    assert all_values(given(ENSEMBLE_WEIGHTS="w.json", AVERAGE="logits"), ROOT)["AVERAGE"] == "logits"


def test_elements_of_an_array_are_words_as_they_are() -> None:
    values = all_values(given(TEACHERS=("my configs/a.py", "/b.py"), SAR_OPTIONS=("a={'b", "c")), ROOT)
    assert values["TEACHERS"] == ("/re po/my configs/a.py", "/b.py")
    assert values["SAR_OPTIONS"] == ("a={'b", "c")


def test_a_text_that_names_a_file_is_one_word(tmp_path: Path) -> None:
    labels = tmp_path / "Daten (neu) für alle"
    labels.mkdir()
    (labels / "a.py").touch()
    assert all_values(given(AGREE_WITH=f"{labels}"), ROOT)["AGREE_WITH"] == (f"{labels}",)
    assert all_values(given(AGREE_WITH=f"mine={labels}"), ROOT)["AGREE_WITH"] == (f"mine={labels}",)
    assert all_values(given(AGREE_WITH=f"published mine={tmp_path}"), ROOT)["AGREE_WITH"] == (
        "published",
        f"mine={tmp_path}",
    )
    assert all_values(given(TEACHERS="Daten (neu) für alle/a.py"), tmp_path)["TEACHERS"] == (f"{labels}/a.py",)


@pytest.mark.parametrize("text", ["'/my labels' mine='/your labels' /l", '"/my labels" mine="/your labels" /l'])
def test_paths_with_spaces_are_quoted_as_in_the_shell(text: str) -> None:
    assert all_values(given(AGREE_WITH=text), ROOT)["AGREE_WITH"] == ("/my labels", "mine=/your labels", "/l")
    option = "a={'type':'x y'}"
    assert all_values(given(SAR_OPTIONS=option), ROOT)["SAR_OPTIONS"] == (option,)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"LAUNCHER": "ssh"}, "^LAUNCHER: expected torchrun or slurm, found ssh$"),
        ({"GPUS": "two"}, "^GPUS: expected a whole number, found 'two'; correct it$"),
        ({"RUN_DIR": ("a", "b")}, "^RUN_DIR: expected one value, found an array; write RUN_DIR=VALUE$"),
        ({"SCALES": "1 'a"}, "^SCALES: expected a closing ' in "),
    ],
)
def test_values_that_mean_nothing_are_refused(values: dict[str, str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        all_values(given(**values), ROOT)


def test_a_required_value_is_named() -> None:
    profile = given(OEM_ROOT="/o", RUN_DIR="r")
    with pytest.raises(
        InputError, match=r"^mine.sh: expected a value for DFC_ROOT, found none; set it in the profile or"
    ):
        require(all_values(profile, ROOT), profile)


def test_a_tilde_is_the_home_folder_also_inside_of_quotes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    profile = given(RUN_DIR="~/run", AGREE_WITH="~/a mine=~/b /c~", TEACHERS=("~/t.py",), LABEL_SET="~")
    values = all_values(profile, ROOT)
    assert values["RUN_DIR"] == "/home/me/run"
    assert values["AGREE_WITH"] == ("/home/me/a", "mine=/home/me/b", "/c~")
    assert (values["TEACHERS"], values["LABEL_SET"]) == (("/home/me/t.py",), "~")
