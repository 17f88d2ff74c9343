"""What the values of a SAR image are: amplitude, intensity or decibels.

Files hold 0 where nothing was measured, in every unit. A 0 in a decibel image is therefore intensity 0, not 1; all
conversions here keep to that.
"""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from landcover.errors import InputError

Unit = Literal["amplitude", "intensity", "decibel"]
"""Amplitude and intensity are linear, intensity is amplitude squared, decibels are 10 log10 of intensity."""

UNITS: tuple[Unit, ...] = get_args(Unit)

DECIBEL_RANGE = (-120.0, 60.0)
"""Decibels that occur.

Noise of calibrated products lies at -20 to -40 dB, the brightest corner reflectors below 60 dB; -120 leaves room for
the floor that processors write instead of the logarithm of 0 (often 1e-10 or 1e-12).
"""

LARGEST_MEDIAN = 20.0
"""Median in decibels above which an image without one negative value is taken for linear.

Typical land lies at -25 to 0 dB; 8-bit amplitudes read as numbers have medians of 40 to 100.
"""

SMALLEST_MEDIAN = 1.0
"""Median in decibels below which an image without one negative value is taken for linear.

Speckle spreads homogeneous ground over several decibels to both sides, so values on 0..1 alone are intensities.
"""


def declared_unit(unit: str | None, dtype: DTypeLike) -> Unit:
    """The unit of images of this type.

    Args:
        unit: as declared; None will do for uint8, which is amplitude (so DFC2025 is published).
        dtype: uint8, uint16 or float32.

    Raises:
        InputError: an unknown unit, none for another type than uint8, or decibels in integers.
    """
    name = np.dtype(dtype).name
    if unit is None and name == "uint8":
        return "amplitude"
    possible = UNITS if name == "float32" else UNITS[:2]
    if unit not in possible:
        words = " or ".join(", ".join(map(repr, possible)).rsplit(", ", 1))
        found = "None; declare what the values are" if unit is None else f"{unit!r}; correct it in the config"
        raise InputError(f"sar.unit: expected {words} for {name} SAR images, found {found}")
    return unit


def check_values(image: NDArray[Any], unit: Unit, path: Path) -> None:
    """Refuses an image of which a band can not be of this unit; zeros are left out, they may be no data.

    Args:
        image: (H, W) or (H, W, bands) uint8, uint16 or float32, finite.
        unit: what it is said to be.
        path: its file, named in the message.

    Raises:
        InputError: negative amplitudes or intensities; decibels outside of `DECIBEL_RANGE`; decibels without one
            negative value and with a median above `LARGEST_MEDIAN` or below `SMALLEST_MEDIAN`.
    """
    if image.dtype == np.float32:  # integers are never negative, and never decibels
        for band in np.moveaxis(image, -1, 0) if image.ndim == 3 else [image]:
            _check_band(band, unit, path)


def _declare(value: float, path: Path) -> str:
    """What to do with a value that no unit has."""
    return (
        f"if {value:g} stands for no data, declare it: rio edit-info --nodata={value!r} {quote(str(path))}; otherwise "
        "convert the image"
    )


def to_intensity(pixels: Tensor, unit: Unit) -> Tensor:
    """Linear intensity, float32, of `pixels` (any shape and type) in `unit`."""
    values = pixels.float()
    if unit == "amplitude":
        return values.square()
    if unit == "decibel":
        return torch.where(values == 0, 0.0, torch.pow(10.0, values / 10))
    return values


def from_intensity(intensity: Tensor, unit: Unit) -> Tensor:
    """The inverse of `to_intensity`: float32 values in `unit` of linear intensity."""
    if unit == "amplitude":
        return intensity.sqrt()
    if unit == "decibel":
        return torch.where(intensity == 0, 0.0, 10 * intensity.log10())
    return intensity


def to_decibels(pixels: Tensor, unit: Unit, floor: float | Tensor) -> Tensor:
    """Decibels, float32, of `pixels` (any shape and type) in `unit`.

    Args:
        pixels: values in `unit`; decibels are returned as they are.
        unit: what they are.
        floor: linear values below it are raised to it, > 0, in `unit`; a number or a tensor that fits `pixels`.
    """
    values = pixels.float()
    if unit == "decibel":
        return values
    return (20 if unit == "amplitude" else 10) * values.clamp(min=floor).log10()


def multiply_intensity(image: NDArray[Any], factor: NDArray[np.float32] | float, unit: Unit) -> NDArray[Any]:
    """The image, with its type, after its intensity is multiplied; zeros stay zeros.

    Args:
        image: (H, W) or (H, W, bands) uint8, uint16 or float32 in `unit`; integers are rounded and end at the limits of
            their type.
        factor: > 0, a number or of the shape of the image.
        unit: what the values are.
    """
    if unit == "decibel":
        shifted = image + np.float32(10) * np.log10(factor, dtype=np.float32)
        return np.where(image == 0, image, shifted)
    gain = np.sqrt(factor, dtype=np.float32) if unit == "amplitude" else np.float32(factor)
    values = np.multiply(image, gain, dtype=np.float32)
    if image.dtype == np.float32:
        return values
    return np.rint(values, out=values).clip(0, np.iinfo(image.dtype).max, out=values).astype(image.dtype)


def _check_band(image: NDArray[Any], unit: Unit, path: Path) -> None:
    if not image.any():
        return
    smallest, largest = float(image.min()), float(image.max())
    if unit != "decibel":
        if smallest < 0:
            cure = "these look like decibels, set sar.unit=decibel"
            cure = cure if smallest >= DECIBEL_RANGE[0] else _declare(smallest, path)
            raise InputError(f"{path}: expected {unit} values of at least 0, found {smallest:g}; {cure}")
        return
    cure = "these look linear, set sar.unit=amplitude or sar.unit=intensity"
    low, high = DECIBEL_RANGE
    if smallest < low or largest > high:
        found = f"{smallest:g} to {largest:g}"
        if smallest < 0:  # linear values are never negative
            cure = _declare(smallest if smallest < low else largest, path)
        raise InputError(f"{path}: expected decibels from {low:g} to {high:g}, found {found}; {cure}")
    if smallest >= 0:
        median = float(np.median(image[image != 0]))
        if not SMALLEST_MEDIAN <= median <= LARGEST_MEDIAN:
            raise InputError(f"{path}: expected decibels, found no negative value and a median of {median:g}; {cure}")
