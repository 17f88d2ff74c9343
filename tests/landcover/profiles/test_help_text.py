from __future__ import annotations

from pathlib import Path

from landcover.profiles.help_text import help_text
from landcover.profiles.profile import Profile
from landcover.profiles.variables import VARIABLES

ROOT = Path(__file__).parents[3]
RUN_ALL = ROOT / "tools" / "run_all.sh"


def test_every_variable_is_listed_with_default_stages_and_help() -> None:
    lines = help_text(RUN_ALL, None, ROOT).splitlines()
    assert lines[0] == "Usage: bash tools/run_all.sh [PROFILE]"
    assert lines[3] == "variable          default                stages"
    rows = dict(zip((variable.name for variable in VARIABLES), lines[4:], strict=False))
    for variable in VARIABLES:
        row = rows[variable.name]
        assert row[:18].strip() == variable.name
        assert row[18:41].strip() == ("required" if variable.required else variable.default or "-")
        assert row[41:66].strip() == variable.stages
        assert row[66:] == variable.help
    assert max(map(len, lines)) <= 150


def test_a_stage_lists_what_it_reads() -> None:
    lines = help_text(ROOT / "tools" / "00_check_data.sh", None, ROOT).splitlines()
    assert lines[0] == "Usage: bash tools/00_check_data.sh [PROFILE]"
    assert [line.split()[0] for line in lines[4:9]] == ["OEM_ROOT", "DFC_ROOT", "RUN_DIR", "CLASSES", "LABEL_VALUES"]
    assert lines[9] == ""


def test_values_of_a_profile_and_those_that_are_missing() -> None:
    profile = Profile(
        "p/mine.sh", {"DFC_ROOT": "/d l", "SAR_MODELS": ("my configs/a.py", "b.py"), "SCALES": "1  2"}, {}
    )
    text = help_text(RUN_ALL, profile, ROOT).partition("Values of p/mine.sh and the environment:\n")[2]
    values = {line.split()[0]: line[18:] for line in text.splitlines()}
    assert list(values) == [variable.name for variable in VARIABLES]
    assert values["OEM_ROOT"] == "missing: set it here or outside"
    assert (values["DFC_ROOT"], values["TRUTH_ROOT"]) == ("/d l", "/d l")
    assert (values["SAR_MODELS"], values["ENSEMBLE"]) == ('"my configs/a.py" b.py', "a b")
    assert (values["FLIPS"], values["LABELS"], values["GPUS"]) == ("none", "-", "1")


def test_long_values_continue_below_their_start() -> None:
    configs = [f"configs/stage1/a_long_name_of_a_config_{n}.py" for n in range(6)]
    profile = Profile("mine.sh", {"TEACHERS": " ".join(configs)}, {})
    lines = help_text(ROOT / "tools" / "10_train_teachers.sh", profile, ROOT).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("TEACHERS ") and configs[0] in line)
    assert " ".join(line[17:].strip() for line in lines[start : start + 2]).split() == configs
    assert lines[start + 1].startswith(" " * 17 + configs[3][:8])
