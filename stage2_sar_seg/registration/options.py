"""Settings of a registration as a user gives them: KEY=VALUE."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_type_hints

from landcover.profiles.key_values import checked_value, key_values
from stage2_sar_seg.registration.tile_offset import TileSettings

VARIABLE = "REGISTER_OPTIONS"


def registration_options(options: Sequence[str]) -> tuple[TileSettings, dict[str, Any]]:
    """Settings of tiles, and those of the matcher: what is none of a tile's.

    Args:
        options: texts `key=value`.

    Raises:
        InputError: one of them is no such text, or gives a tile's setting a value of another kind.
    """
    kinds = get_type_hints(TileSettings)
    values = key_values(VARIABLE, options)
    of_tiles = {
        name: checked_value(VARIABLE, name, value, kinds[name]) for name, value in values.items() if name in kinds
    }
    return TileSettings(**of_tiles), {name: value for name, value in values.items() if name not in kinds}
