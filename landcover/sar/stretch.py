"""How grey values are stretched before they are normalised: not at all, to decibels, or clipped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from landcover.errors import InputError
from landcover.sar.units import Unit, to_decibels

STRETCHES = {"log": ("floor",), "percentile": ("low", "high")}
"""Arguments of every stretch: the floor below decibels, or the limits of clipping, in grey values of the files."""


def check_stretch(stretch: Mapping[str, Any] | None, bands: int = 1) -> None:
    """Refuses what is not None, `{"type": "log", "floor": f}` or `{"type": "percentile", "low": a, "high": b}`.

    Args:
        stretch: its numbers are lists of one number per band where there are several bands.
        bands: number of bands with limits of their own.

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
    if set(stretch) != {"type", *names} or not all(_are_numbers(stretch[name], bands) for name in names):
        each = "" if bands == 1 else f" of each of {bands} bands"
        raise InputError(
            f"sar.stretch: expected the number{'s' * (len(names) > 1)} {' and '.join(names)}{each} for type "
            f"{stretch['type']!r}, found {dict(stretch)!r}; correct it in the config"
        )
    limits = [_listed(stretch[name]) for name in names]
    if stretch["type"] == "log" and not min(limits[0]) > 0:
        raise InputError(f"sar.stretch: expected a floor above 0, found {stretch['floor']}; correct it in the config")
    if stretch["type"] == "percentile" and not all(low < high for low, high in zip(*limits, strict=True)):
        raise InputError(
            f"sar.stretch: expected low below high, found {stretch['low']} and {stretch['high']}; "
            "correct it in the config"
        )


def stretch_values(pixels: Tensor, stretch: Mapping[str, Any] | None, unit: Unit) -> Tensor:
    """Stretched values, float32, of `pixels` (any type) in `unit`; `stretch` has passed `check_stretch`.

    "log" leaves decibels as they are.

    Args:
        pixels: any shape; (..., bands, H, W) for limits of several bands.
        stretch: None or type and limits.
        unit: what the values are.
    """
    if stretch is None:
        return pixels.float()
    if stretch["type"] == "log":
        return to_decibels(pixels, unit, _limit(stretch["floor"], pixels))
    return pixels.float().clamp(_limit(stretch["low"], pixels), _limit(stretch["high"], pixels))


def _listed(limit: float | Sequence[float]) -> Sequence[float]:
    return [limit] if isinstance(limit, int | float) else limit


def _are_numbers(limit: Any, bands: int) -> bool:
    if bands == 1:
        return isinstance(limit, int | float)
    return isinstance(limit, list | tuple) and len(limit) == bands and all(isinstance(n, int | float) for n in limit)


def _limit(limit: float | Sequence[float], pixels: Tensor) -> Any:  # what `clamp` takes, both limits of one kind
    """The number, or the numbers of all bands as (bands, 1, 1)."""
    if isinstance(limit, int | float):
        return limit
    return torch.tensor(limit, dtype=torch.float32, device=pixels.device).view(-1, 1, 1)
