"""Names that are no variable but nearly one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from landcover.profiles.variables import NAMES

SURELY = 0.88
"""Likeness from which a name is taken for a misspelt one: one letter of eight. `TECHERS` has 0.93, `GPU` 0.86."""


def nearest(name: str, likeness: float = 0.65) -> str | None:
    """The variable whose name is most like `name`, whatever its case; None if none is at least as like as that.

    Args:
        name: any text.
        likeness: `difflib`'s ratio, 0 for nothing in common, 1 for equal.
    """
    found = get_close_matches(name.upper(), NAMES, n=1, cutoff=likeness)
    return found[0] if found else None


def misspelt(names: Iterable[str]) -> dict[str, str]:
    """Those of the upper-case names that are surely misspelt, each with the variable that is meant."""
    unknown = [name for name in names if name.isupper() and name not in NAMES]
    return {name: meant for name in unknown if (meant := nearest(name, SURELY))}
