"""Prints what a script of tools/ gets from its profile as shell text to evaluate: its variables, or its help.

Usage: python -m tools.profile SCRIPT [PROFILE ...] [--help]
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from landcover.errors import command
from landcover.profiles.shell_text import shell_text


@command
def main() -> None:
    """Writes paths as the bytes that they are, whatever the encoding of the terminal."""
    text = shell_text(sys.argv[1], sys.argv[2:], Path(__file__).parents[1], os.environ)
    sys.stdout.buffer.write(os.fsencode(f"{text}\n"))


if __name__ == "__main__":
    main()
