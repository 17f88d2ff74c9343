"""Help of the stages: the variables that they read, and the values that a profile gives them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from textwrap import fill

from landcover.profiles.defaults import all_values
from landcover.profiles.profile import Profile
from landcover.profiles.variables import VARIABLES, Variable
from landcover.profiles.words import join_words

WIDTH = 150
ABOUT = (
    "PROFILE (configs/profiles/demo.sh if left out), a shell file, sets these variables; "
    'the environment overrides what it sets as : "${NAME:=value}".'
)
LISTS = (
    "A list is words with spaces between them; quotes and brackets keep a word together, and a bash array does too: "
    'TEACHERS=("my configs/a.py" b.py).'
)


def help_text(script: Path, profile: Profile | None, root: Path) -> str:
    """Usage of a script and a table of the variables that it reads; then their values, if a profile is given.

    Args:
        script: a numbered stage, or another script, which reads all variables. Its header comment has the usage.
        profile: values to show.
        root: the repository.

    Raises:
        InputError: the profile has a value that is not allowed.
    """
    stage = script.name[:2]
    read = [variable for variable in VARIABLES if not stage.isdecimal() or stage in variable.stages.split()]
    required = " ".join(variable.name for variable in VARIABLES if variable.required)
    parts = [f"{_usage(script)}\n{ABOUT}", _table(read), f"{LISTS}\nEvery stage needs {required}."]
    if profile:
        parts.append(f"Values of {profile.path} and the environment:\n{_values(read, profile, root)}")
    return "\n\n".join(parts)


def _usage(script: Path) -> str:
    found = re.search(r"^# (Usage:) +(.+)$", script.read_text(encoding="utf-8"), re.MULTILINE)
    return f"{found[1]} {found[2]}" if found else f"Usage: bash {script}"


def _table(variables: Sequence[Variable]) -> str:
    rows = [("variable", "default", "stages", "")]
    for variable in variables:
        default = "required" if variable.required else variable.default or "-"
        rows.append((variable.name, default, variable.stages, variable.help))
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join("  ".join([*map(str.ljust, row[:3], widths), row[3]]).rstrip() for row in rows)


def _values(variables: Sequence[Variable], profile: Profile, root: Path) -> str:
    values = all_values(profile, root)
    width = max(len(variable.name) for variable in variables) + 2
    lines = []
    for variable in variables:
        value = profile.values.get(variable.name) or values.get(variable.name, "missing: set it here or outside")
        text = value if isinstance(value, str) else join_words(value, variable.name)
        lines.append(
            fill(
                text or "-",
                WIDTH,
                initial_indent=variable.name.ljust(width),
                subsequent_indent=" " * width,
                break_long_words=False,
                break_on_hyphens=False,
            )
        )
    return "\n".join(lines)
