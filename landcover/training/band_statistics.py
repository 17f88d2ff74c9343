"""What training needs to know about the grey values of SAR images: unit, mean, deviation, limits of the stretch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landcover.data_check.sar_values import SAMPLES_PER_TILE
from landcover.errors import InputError
from landcover.images.raster import read_sar
from landcover.sar.stretch import STRETCHES, stretch_values
from landcover.sar.units import Unit, check_values, declared_unit

CLIPPED = (1, 99)
"""Percentiles of the training set that become the limits of the stretch "percentile"."""

FLOOR = 0.1
"""Percentile of the positive values that becomes the floor of the stretch "log"."""


@dataclass(frozen=True)
class BandStatistics:
    """Grey values of a training set.

    Args:
        unit: what the values of the files are.
        mean: of all stretched values with data.
        std: their standard deviation, > 0.
        stretch: None, `{"type": "log", "floor": f}` or `{"type": "percentile", "low": a, "high": b}`, in `unit`.
        empty: images without a single pixel with data.
    """

    unit: Unit
    mean: float
    std: float
    stretch: dict[str, Any] | None
    empty: tuple[Path, ...]


def band_statistics(images: Sequence[Path], unit: str | None = None, stretch: str | None = None) -> BandStatistics:
    """Statistics of all pixels of SAR images, no-data left out; every file is checked.

    Sums are float64 and added in the order of `images`, so the result is the same in every run. Without a stretch
    every file is read once, else twice. A speckle filter is left out of account: what comes out of one has nearly the
    same mean (0 to 0.2 deviations more on three real and four synthetic tiles) and 0.75 to 0.9 of the deviation.

    Args:
        images: SAR files of one type.
        unit: what their values are; uint8 images need none, see `declared_unit`.
        stretch: None; "log", decibels, whose floor is the 0.1 % percentile of the positive values (None again for
            images in decibels); or "percentile", clipping at the 1 % and 99 % percentiles. Percentiles are those of
            an even sample of every tile.

    Raises:
        InputError: unknown unit or stretch, images of several types, values that can not be of that unit, or no
            pixel with data.
    """
    if stretch is not None and not (isinstance(stretch, str) and stretch in STRETCHES):
        raise InputError(
            f"sar.stretch: expected None or {' or '.join(map(repr, STRETCHES))}, found {stretch!r}; "
            "correct it in the config"
        )
    if not images:
        raise InputError("SAR images: expected at least one, found none; check the data root")
    dtype = read_sar(images[0]).pixels.dtype
    known = declared_unit(unit, dtype)

    def read(path: Path) -> NDArray[Any]:
        """Values with data of one image, (N,)."""
        raster = read_sar(path)
        image = raster.pixels
        if image.dtype != dtype:
            raise InputError(
                f"{path}: expected {dtype} as in {images[0]}, found {image.dtype}; convert all SAR images to one type"
            )
        check_values(image, known, path)
        return image[~raster.no_data()]

    with ThreadPoolExecutor(8) as pool:
        limits = None
        if stretch is not None and not (stretch == "log" and known == "decibel"):
            samples = list(pool.map(lambda path: _sample(read(path)), images))
            limits = _limits(stretch, np.concatenate(samples), images)
        sums = np.array(list(pool.map(lambda path: _sums(_stretched(read(path), limits, known)), images)))
    count, total, squares = sums.sum(0)
    if count == 0:
        raise _no_data(images)
    mean = total / count
    std = np.sqrt(max(squares / count - mean**2, np.finfo(np.float32).eps))
    empty = tuple(path for path, pixels in zip(images, sums[:, 0], strict=True) if pixels == 0)
    return BandStatistics(known, float(mean), float(std), limits, empty)


def _sample(values: NDArray[Any]) -> NDArray[Any]:
    # odd, so that the sample does not keep to a few columns of a tile whose width is a power of two
    return values[:: values.size // SAMPLES_PER_TILE | 1].copy()


def _limits(stretch: str, sample: NDArray[Any], images: Sequence[Path]) -> dict[str, Any]:
    if stretch == "log":
        positive = sample[sample > 0]
        if positive.size == 0:
            raise _no_data(images)
        floor = max(float(np.percentile(positive, FLOOR)), float(np.finfo(np.float32).tiny))
        return {"type": "log", "floor": floor}
    if sample.size == 0:
        raise _no_data(images)
    low, high = (float(value) for value in np.percentile(sample, CLIPPED))
    return {"type": "percentile", "low": low, "high": max(high, float(np.nextafter(low, np.inf)))}


def _stretched(values: NDArray[Any], limits: dict[str, Any] | None, unit: Unit) -> NDArray[Any]:
    if limits is None:
        return values
    return stretch_values(torch.from_numpy(values.astype(np.float32)), limits, unit).numpy()


def _sums(values: NDArray[Any]) -> tuple[float, float, float]:
    precise = values.astype(np.float64)
    return float(precise.size), float(precise.sum()), float(np.square(precise).sum())


def _no_data(images: Sequence[Path]) -> InputError:
    return InputError(
        f"{images[0].parent}: expected SAR images with data, found only no-data pixels in all {len(images)} of them; "
        "check the data root"
    )
