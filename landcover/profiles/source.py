"""What bash makes of a profile: the variables of the shell before and after it is sourced."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError

# Prints all variables, sources the profile, prints them again. What the profile itself prints goes to
# stderr. A dump is the names of exported variables, those of arrays, and per variable its name, count and values,
# all closed by \0; an empty name ends it.
SCRIPT = r"""
_dump() {
    trap - ERR
    set +eu
    local IFS=$'\n' _name _key _values
    printf '%s\0' "$(compgen -e)" "$(compgen -A arrayvar)"
    for _name in $(compgen -v); do
        _key="${_name}[@]"
        _values=("${!_key}")
        printf '%s\0' "$_name" "${#_values[@]}" "${_values[@]}"
    done
    printf '\0'
}
_failed() {
    [ "$BASH_SUBSHELL" != 0 ] || [ "$3" = 'source "$_profile"' ] \
        || printf '%s: line %s: %s: status %s\n' "$_profile" "$2" "${3//$'\n'/ }" "$1"
}
_profile=$1
shift
exec 3>&1 1>&2
_dump >&3
set -euEo pipefail
trap '_failed "$?" "$LINENO" "$BASH_COMMAND"' ERR
source "$_profile"
_dump >&3
"""


@dataclass(frozen=True)
class ShellVariable:
    """A variable of bash.

    Attributes:
        values: one for a scalar, all for an array.
        array: whether it is an array.
        exported: whether programs get it in their environment.
    """

    values: tuple[str, ...]
    array: bool
    exported: bool


Shell = Mapping[str, ShellVariable]


def source_profile(profile: str, root: Path, environment: Mapping[str, str]) -> tuple[Shell, Shell]:
    """Variables of a bash before and after it sources `profile`, in a process of its own.

    Args:
        profile: path of an existing file.
        root: the repository, `REPO_ROOT` of the profile.
        environment: of that bash.

    Raises:
        InputError: bash finds a mistake, or a command of the profile fails.
    """
    path = profile if "/" in profile else f"./{profile}"  # bash looks in PATH for a bare name
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", SCRIPT, "bash", path],
        env={**environment, "REPO_ROOT": str(root)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
    )
    told = os.fsdecode(done.stderr)
    fields = os.fsdecode(done.stdout).split("\0")
    before, end = _read_dump(fields, 0)
    if done.returncode or end >= len(fields) - 1:
        raise InputError(_mistake(profile, path, told, done.returncode))
    if told:
        print(told, end="", file=sys.stderr)  # what the profile tells its user
    return before, _read_dump(fields, end)[0]


def _read_dump(fields: list[str], start: int) -> tuple[dict[str, ShellVariable], int]:
    """Variables of the dump that begins at field `start`, and where the next one begins."""
    exported, arrays = fields[start].split("\n"), fields[start + 1].split("\n")
    found: dict[str, ShellVariable] = {}
    at = start + 2
    while name := fields[at]:
        first, count = at + 2, int(fields[at + 1])
        found[name] = ShellVariable(tuple(fields[first : first + count]), name in arrays, name in exported)
        at = first + count
    return found, at + 1


def _mistake(profile: str, path: str, told: str, status: int) -> str:
    """One line: bash's message about the profile, or the command that failed with what it said last."""
    lines = [line for line in told.splitlines() if line.strip()]
    ours = [line.removeprefix(f"{path}: ") for line in lines if line.startswith(f"{path}: ")]
    others = [line for line in lines if not line.startswith(f"{path}: ")]
    message = ours[0] if ours else f"expected a last command that succeeds, and no exit, found status {status}"
    if others and (not ours or ": status " in message):
        message += f": {others[-1].strip()}"
    return f"{profile}: {message}; correct the profile"
