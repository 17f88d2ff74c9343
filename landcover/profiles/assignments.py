"""Variables as shell text that bash evaluates."""

from __future__ import annotations

from collections.abc import Mapping
from shlex import quote

from landcover.profiles.defaults import Value

EXPORTED = ("LAUNCHER", "PLUGINS")
"""Variables that the Python commands read from their environment, which holds texts alone."""


def shell_assignments(variables: Mapping[str, Value], exports: Mapping[str, str]) -> str:
    """A line per variable, safe for any value: texts as `NAME='text'`, lists as arrays `NAME=('word' 'word')`.

    Args:
        variables: of the stage's shell; those in `EXPORTED` are exported, lists joined by spaces.
        exports: further ones, for the programs that the stage starts.
    """
    lines = [f"export {name}={quote(text)}" for name, text in exports.items()]
    for name, value in variables.items():
        if name in EXPORTED:
            lines.append(f"export {name}={quote(value if isinstance(value, str) else ' '.join(value))}")
        elif isinstance(value, str):
            lines.append(f"{name}={quote(value)}")
        else:
            lines.append(f"{name}=({' '.join(quote(word) for word in value)})")
    return "\n".join(lines)
