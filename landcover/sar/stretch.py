"""How grey values are stretched before they are normalised: not at all, to decibels, or clipped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from landcover.errors import InputError
from landcover.sar.units import Unit, to_decibels

STRETCHES = {"log": ("floor",), "percentile": ("low", "high")}
"""Arguments of every stretch: the floor below decibels, or the limits of clipping, in grey values of the files."""


def check_stretch(stretch: Mapping[str, Any] | None) -> None:
    """Refuses what is not None, `{"type": "log", "floor": f}` or `{"type": "percentile", "low": a, "high": b}`.

    Raises:
        InputError: another type, other keys, or numbers that make no stretch.
    """
    if stretch is None:
        return
    if not isinstance(stretch, Mapping) or stretch.get("type") not in STRETCHES:
        raise InputError(
            f"sar.stretch: expected None or a type of {' or '.join(map(repr, STRETCHES))}, found {stretch!r}; "
            "correct it in the config"
        )
    names = STRETCHES[stretch["type"]]
    if set(stretch) != {"type", *names} or not all(isinstance(stretch[name], int | float) for name in names):
        raise InputError(
            f"sar.stretch: expected the number{'s' * (len(names) > 1)} {' and '.join(names)} for type "
            f"{stretch['type']!r}, found {dict(stretch)!r}; correct it in the config"
        )
    if stretch["type"] == "log" and not stretch["floor"] > 0:
        raise InputError(f"sar.stretch: expected a floor above 0, found {stretch['floor']}; correct it in the config")
    if stretch["type"] == "percentile" and not stretch["low"] < stretch["high"]:
        raise InputError(
            f"sar.stretch: expected low below high, found {stretch['low']} and {stretch['high']}; "
            "correct it in the config"
        )


def stretch_values(pixels: Tensor, stretch: Mapping[str, Any] | None, unit: Unit) -> Tensor:
    """Stretched values, float32, of `pixels` (any shape and type) in `unit`; `stretch` has passed `check_stretch`.

    "log" leaves decibels as they are.
    """
    if stretch is None:
        return pixels.float()
    if stretch["type"] == "log":
        return to_decibels(pixels, unit, stretch["floor"])
    return pixels.float().clamp(stretch["low"], stretch["high"])
