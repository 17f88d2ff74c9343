from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.profiles.profile import Profile, read_profile

ReadText = Callable[..., Profile]


def test_texts_arrays_and_conditions(read_text: ReadText) -> None:
    text = """
    : "${RUN_DIR:=$REPO_ROOT/runs/ä b}" # comment
    if [ -z "${OEM_ROOT:-}" ]; then OEM_ROOT="$RUN_DIR/o"; fi
    export DFC_ROOT="it's \\$HOME; a
line"
    TEACHERS=("my configs/a.py" b.py)
    declare -a SAR_MODELS=(c.py)
    SEED=3 LABELS= AGREE_WITH=() GPUS=$(false; echo 2)
    """
    assert read_text(text).values == {
        "RUN_DIR": "/re po/runs/ä b",
        "OEM_ROOT": "/re po/runs/ä b/o",
        "DFC_ROOT": "it's $HOME; a\nline",
        "TEACHERS": ("my configs/a.py", "b.py"),
        "SAR_MODELS": ("c.py",),
        "SEED": "3",
        "GPUS": "2",
    }


def test_the_environment_overrides_what_a_profile_leaves_open(read_text: ReadText) -> None:
    text = ': "${RUN_DIR:=a}"\n: "${PUBLISHED_MODELS=b}"\nSEED=1'
    given = read_text(text, RUN_DIR="x", PUBLISHED_MODELS="", SEED="2", GPUS="4")
    assert given.values == {"RUN_DIR": "x", "SEED": "1", "GPUS": "4"}
    assert read_text(text, RUN_DIR="").values == {"RUN_DIR": "a", "PUBLISHED_MODELS": "b", "SEED": "1"}


@pytest.mark.parametrize(
    ("text", "environment"),
    [
        ("TECHERS=a", {}),
        (': "${TECHERS:=a}"', {}),
        ("if true; then\n  export TECHERS=a\nfi", {}),
        ("SEED=1 TECHERS=(a b)", {}),
        (': "${TECHERS:=a}"', {"TECHERS": "a"}),
        ("TECHERS=a", {"TECHERS": "a"}),
        ("read -r TECHERS <<< x", {}),
    ],
)
def test_a_misspelt_variable_is_refused(read_text: ReadText, text: str, environment: dict[str, str]) -> None:
    with pytest.raises(InputError) as refused:
        read_text(text, **environment)
    assert str(refused.value).endswith(
        "/mein käfer.sh: unknown variable TECHERS; did you mean TEACHERS? `bash tools/run_all.sh --help` lists all"
    )


def test_a_variable_that_nothing_reads_is_refused(read_text: ReadText) -> None:
    with pytest.raises(InputError, match=r"unknown variable data; .* begins with _ is the profile's own"):
        read_text("data=/data")
    with pytest.raises(InputError, match="unknown variable REPO_ROOT; "):
        read_text("REPO_ROOT=/x")


def test_own_names_functions_and_bash_itself_are_no_unknown_variables(read_text: ReadText) -> None:
    text = """
    _data=$HOME/data
    made() { local inner=1; echo "$_data"; }
    cd / && read -r <<< x && [[ a =~ a ]] && OPTIND=2
    OEM_ROOT=$(made) # TECHERS=1
    # TECHERS=2
    IFS=, PIPESTATUS=1
    """
    assert read_text(text, HOME="/h", TECHERS="x").values == {"OEM_ROOT": "/h/data"}


def test_what_a_profile_exports_is_for_other_programs(read_text: ReadText) -> None:
    text = 'export CUDA_VISIBLE_DEVICES=3\nPATH="/my tools:$PATH"'
    path = os.environ["PATH"]
    assert read_text(text).exports == {"CUDA_VISIBLE_DEVICES": "3", "PATH": f"/my tools:{path}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SEED=1\nif", "line 3: syntax error: unexpected end of file"),
        ('SEED=1\nRUN_DIR="$NOPE/x"', "line 2: NOPE: unbound variable"),
        ("SEED = 1", "line 1: SEED: command not found"),
        ("source /absent.sh", "line 1: /absent.sh: No such file or directory"),
        ("SEED=$(false)\nGPUS=1", "line 1: SEED=$(false): status 1"),
        ("SEED=$(sh -c 'echo no licence >&2; exit 4')", "status 4: no licence"),
        ("SEED=$(sh -c '\nexit 4')", "line 2: SEED=$(sh -c ' exit 4'): status 4"),
        ("exit 0", "expected a last command that succeeds, and no exit, found status 0"),
        ("echo mount /d first; return 3", "found status 3: mount /d first"),
        ("[ -d /absent ] && SEED=1", "expected a last command that succeeds, and no exit, found status 1"),
    ],
)
def test_a_mistake_is_told_in_one_line(read_text: ReadText, text: str, expected: str) -> None:
    with pytest.raises(InputError) as refused:
        read_text(text, LC_ALL="C.UTF-8")
    first, _, rest = str(refused.value).partition(": ")
    assert first.endswith("/mein käfer.sh")
    assert expected in rest and rest.endswith("; correct the profile") and "\n" not in rest


def test_what_a_profile_prints_goes_to_its_user(read_text: ReadText, capsys: pytest.CaptureFixture[str]) -> None:
    assert read_text("echo hello; SEED=1").values == {"SEED": "1"}
    assert capsys.readouterr() == ("", "hello\n")


def test_a_name_without_a_folder_is_a_file_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("ls").write_text("SEED=5")
    environment = {"PATH": os.environ["PATH"]}
    assert read_profile("ls", tmp_path, environment).values == {"SEED": "5"}
    Path("ls").write_text("SEED=$X")
    with pytest.raises(InputError, match=r"^ls: line 1: X: unbound variable; correct the profile$"):
        read_profile("ls", tmp_path, environment)
    with pytest.raises(
        InputError, match=r"^no: expected a profile, found no such file; profiles are in configs/profiles/$"
    ):
        read_profile("no", tmp_path, environment)
