"""A profile: the values that it and the environment give to the variables."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError
from landcover.profiles.misspelt import SURELY, misspelt, nearest
from landcover.profiles.source import Shell, source_profile
from landcover.profiles.variables import NAMES

HELP = "`bash tools/run_all.sh --help` lists all"
# Of bash, but not there before it needs them.
OF_BASH = {"OLDPWD", "PWD", "REPLY", "MAPFILE", "OPTARG", "OPTIND", "COPROC", "COPROC_PID"}


@dataclass(frozen=True)
class Profile:
    """Values as given, by the name of the variable.

    Attributes:
        path: the profile as its user named it.
        values: a text, or the elements of a bash array; variables without a value, or with an empty one, are left out.
        exports: what the profile exports beside them, for the programs that the stages start, such as
            CUDA_VISIBLE_DEVICES.
    """

    path: str
    values: Mapping[str, str | tuple[str, ...]]
    exports: Mapping[str, str]


def read_profile(path: str, root: Path, environment: Mapping[str, str]) -> Profile:
    """The profile, read by bash: any shell snippet that sets variables of `landcover.profiles.variables`.

    Every other variable that it sets is refused, because nothing would read it; but names that begin with an
    underscore are the profile's own, and what it exports is for other programs, unless it looks like a misspelt
    variable.

    Args:
        path: of the profile.
        root: the repository, `REPO_ROOT` of the profile.
        environment: overrides what the profile sets by `: "${NAME:=value}"`.

    Raises:
        InputError: no such file, a mistake in it, an unknown variable.
    """
    if not Path(path).is_file():
        raise InputError(f"{path}: expected a profile, found no such file; profiles are in configs/profiles/")
    before, after = source_profile(path, root, environment)
    changed = {name: now for name, now in after.items() if now != before.get(name) and _settable(name, before)}
    unknown = [name for name, now in changed.items() if name not in NAMES and not _for_programs(name, now.exported)]
    for name in [*unknown, *_assigned_again(path, misspelt(environment))]:
        raise InputError(f"{path}: unknown variable {name}; {_advice(name)}")
    values = {name: _value(after, name) for name in NAMES if name in after}
    exports = {name: "".join(now.values) for name, now in changed.items() if name not in NAMES and not now.array}
    return Profile(path, {name: value for name, value in values.items() if value}, exports)


def _settable(name: str, before: Shell) -> bool:
    """Whether a change of the variable is the profile's doing: not one of bash's own, and none of its private ones."""
    of_bash = name in OF_BASH or name.startswith("BASH_") or (name in before and not before[name].exported)
    return not of_bash and not name.startswith("_")


def _for_programs(name: str, exported: bool) -> bool:
    return exported and name != "REPO_ROOT" and nearest(name, SURELY) is None


def _assigned_again(path: str, names: Mapping[str, str]) -> list[str]:
    """Those of the names, all in the environment, that the profile assigns: perhaps what they hold already."""
    text = Path(path).read_text(encoding="utf-8", errors="replace")
    return [name for name in names if re.search(rf"^[^#\n]*\b{name}[+:]?=", text, re.MULTILINE)]


def _advice(name: str) -> str:
    meant = nearest(name)
    if meant:
        return f"did you mean {meant}? {HELP}"
    return f"{HELP}; a name that begins with _ is the profile's own, an exported one is for other programs"


def _value(shell: Shell, name: str) -> str | tuple[str, ...]:
    variable = shell[name]
    return variable.values if variable.array else "".join(variable.values)
