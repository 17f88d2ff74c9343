"""Settings as a user gives them: KEY=VALUE."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from typing import Any, get_args

from landcover.errors import InputError


def key_values(variable: str, options: Sequence[str]) -> dict[str, object]:
    """Value by name: a number, list or other Python literal where the text is one, else the text.

    Args:
        variable: of the profile that holds them, for messages.
        options: texts `key=value`.

    Raises:
        InputError: one of them is no such text.
    """
    found: dict[str, object] = {}
    for option in options:
        name, separator, text = option.partition("=")
        if not separator or not name.isidentifier():
            raise InputError(f"{variable}: expected key=value, found {option!r}; correct it")
        found[name] = _value(text)
    return found


def checked_value(variable: str, name: str, value: object, kind: Any) -> Any:
    """The value as `kind`: one of the words of a `Literal`, or a number.

    Args:
        variable: see `key_values`.
        name: of the setting.
        value: of it.
        kind: a `Literal`, `float` or `int`.

    Raises:
        InputError: it is none.
    """
    words = get_args(kind)
    if words:
        if value in words:
            return value
        told = " or ".join(map(str, words))
    else:
        if isinstance(value, (int, float)) and type(value) in (int, kind):
            return kind(value)
        told = "a whole number" if kind is int else "a number"
    raise InputError(f"{variable} {name}={value}: expected {told}, found {value!r}; correct it")


def number_within(variable: str, name: str, value: object, least: float, most: float, kind: Any = float) -> Any:
    """The value as a number from `least` to `most`; arguments and errors as `checked_value`."""
    number = checked_value(variable, name, value, kind)
    if not least <= number <= most:
        raise InputError(
            f"{variable} {name}={value}: expected a number from {least:g} to {most:g}, found {value!r}; correct it"
        )
    return number


def _value(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
