"""Settings of a registration as a user gives them: KEY=VALUE."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import fields
from typing import Any, get_args, get_type_hints

from landcover.errors import InputError
from stage2_sar_seg.registration.tile_offset import TileSettings


def registration_options(options: Sequence[str]) -> tuple[TileSettings, dict[str, Any]]:
    """Settings of tiles, and those of the matcher: what is none of a tile's.

    Args:
        options: texts `key=value`.

    Raises:
        InputError: one of them is no such text, or gives a tile's setting a value of another kind.
    """
    kinds, of_tiles, of_matcher = get_type_hints(TileSettings), {}, {}
    names = {field.name for field in fields(TileSettings)}
    for option in options:
        name, separator, text = option.partition("=")
        if not separator or not name.isidentifier():
            raise InputError(f"REGISTER_OPTIONS: expected key=value, found {option!r}; correct it")
        value = _value(text)
        if name in names:
            of_tiles[name] = _checked(option, value, kinds[name])
        else:
            of_matcher[name] = value
    return TileSettings(**of_tiles), of_matcher


def _checked(option: str, value: object, kind: Any) -> Any:
    """The value as `kind`: one of the words of a `Literal`, or a number."""
    words = get_args(kind)
    if words:
        if value in words:
            return value
        raise InputError(f"REGISTER_OPTIONS {option}: expected {' or '.join(words)}, found {value!r}; correct it")
    if isinstance(value, (int, float)) and type(value) in (int, kind):
        return kind(value)
    told = "a whole number" if kind is int else "a number"
    raise InputError(f"REGISTER_OPTIONS {option}: expected {told}, found {value!r}; correct it")


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
