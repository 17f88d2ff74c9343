"""What a script of tools/ evaluates: the variables of its profile, or its help and the end."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from shlex import quote

from landcover.profiles.assignments import shell_assignments
from landcover.profiles.help_text import help_text
from landcover.profiles.misspelt import misspelt
from landcover.profiles.profile import read_profile
from landcover.profiles.stage_variables import stage_variables

HELP = ("-h", "--help")


def shell_text(script: str, arguments: Sequence[str], root: Path, environment: Mapping[str, str]) -> str:
    """Shell text that sets the variables of a script; with --help among the arguments, that prints its help and exits.

    Warns of variables in the environment that look misspelt.

    Args:
        script: file name in tools/. run_all.sh gets no variables, but its stages do: set here, lists among them would
            no longer be in their environment.
        arguments: of the script; the first is the profile, the demo's if there is none.
        root: the repository.
        environment: overrides the profile.

    Raises:
        InputError: the profile can not be used.
    """
    words = [word for word in arguments if word not in HELP]
    path = words[0] if words else str(root / "configs" / "profiles" / "demo.sh")
    if len(words) < len(arguments):
        shown = read_profile(path, root, environment) if words else None
        return f"printf '%s\\n' {quote(help_text(root / 'tools' / script, shown, root))}; exit 0"
    profile = read_profile(path, root, environment)
    variables = stage_variables(profile, root)
    if script == "run_all.sh":
        return ""
    for name, meant in misspelt(environment).items():
        print(f"warning: {name} in the environment is read by nothing; did you mean {meant}?", file=sys.stderr)
    return shell_assignments(variables, profile.exports)
