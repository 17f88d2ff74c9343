"""What training needs to know about the grey values of SAR images: unit, mean, deviation, limits of the stretch."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from landcover.data_check.sar_values import even_sample
from landcover.errors import InputError
from landcover.images.raster import read_sar
from landcover.images.source import Bands
from landcover.sar.stretch import STRETCHES, stretch_values
from landcover.sar.training_values import TrainingValues
from landcover.sar.units import Unit, check_values, declared_unit

CLIPPED = (1, 99)
"""Percentiles of the training set that become the limits of the stretch "percentile"."""

_Sums = tuple[float, float, float]  # number of pixels, sum, sum of squares

FLOOR = 0.1
"""Percentile of the positive values that becomes the floor of the stretch "log"."""


@dataclass(frozen=True)
class BandStatistics:
    """Grey values of a training set.

    Args:
        unit: what the values of the files are.
        means: per band, of all stretched values with data.
        stds: their standard deviations, > 0.
        stretch: None, `{"type": "log", "floor": f}` or `{"type": "percentile", "low": a, "high": b}`, in `unit`; of
            several bands f, a and b are lists.
        empty: images without a single pixel with data.
        values: those of the files, for the model file.
    """

    unit: Unit
    means: tuple[float, ...]
    stds: tuple[float, ...]
    stretch: dict[str, Any] | None
    empty: tuple[Path, ...]
    values: TrainingValues

    @property
    def mean(self) -> float:
        """That of the only band."""
        (mean,) = self.means
        return mean

    @property
    def std(self) -> float:
        """Likewise."""
        (std,) = self.stds
        return std


def band_statistics(
    images: Sequence[Path], unit: str | None = None, stretch: str | None = None, bands: Bands = ()
) -> BandStatistics:
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
        bands: which bands are read, see `read_sar`; each has statistics of its own.

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
    dtype = read_sar(images[0], bands=bands).pixels.dtype
    known = declared_unit(unit, dtype)
    stretched = stretch is not None and not (stretch == "log" and known == "decibel")

    def read(path: Path) -> list[NDArray[Any]]:
        """Values with data of one image, (N,) of every band."""
        raster = read_sar(path, bands=bands)
        image = raster.pixels
        if image.dtype != dtype:
            raise InputError(
                f"{path}: expected {dtype} as in {images[0]}, found {image.dtype}; convert all SAR images to one type"
            )
        check_values(image, known, path)
        values = image[~raster.no_data()]
        return [values] if values.ndim == 1 else [*np.ascontiguousarray(values.T)]

    def first_look(path: Path) -> tuple[NDArray[Any], list[_Sums]]:
        """A sample of one image, (bands, n), and its sums, which a stretch would change."""
        values = read(path)
        return np.stack([even_sample(band) for band in values]), [] if stretched else [_sums(band) for band in values]

    def second_look(path: Path, limits: Sequence[dict[str, Any]]) -> list[_Sums]:
        return [_sums(_stretched(band, limit, known)) for band, limit in zip(read(path), limits, strict=True)]

    with ThreadPoolExecutor(8) as pool:
        samples, sums = zip(*pool.map(first_look, images), strict=True)
        sample = np.concatenate(samples, axis=1)
        if sample.size == 0:
            raise _no_data(images)
        limits = [_limits(stretch, band, images) for band in sample] if stretched else []
        if limits:
            sums = tuple(pool.map(partial(second_look, limits=limits), images))
    added = np.array(sums)  # (images, bands, 3)
    count, total, squares = added.sum(0).T
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, np.finfo(np.float32).eps))
    empty = tuple(path for path, pixels in zip(images, added[:, 0, 0], strict=True) if pixels == 0)
    values = TrainingValues.of(sample, bands)
    return BandStatistics(known, tuple(mean.tolist()), tuple(std.tolist()), _joined(limits), empty, values)


def _limits(stretch: str | None, sample: NDArray[Any], images: Sequence[Path]) -> dict[str, Any]:
    if stretch == "log":
        positive = sample[sample > 0]
        if positive.size == 0:
            raise _no_data(images)
        floor = max(float(np.percentile(positive, FLOOR)), float(np.finfo(np.float32).tiny))
        return {"type": "log", "floor": floor}
    low, high = (float(value) for value in np.percentile(sample, CLIPPED))
    return {"type": "percentile", "low": low, "high": max(high, float(np.nextafter(low, np.inf)))}


def _joined(limits: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """The stretch of all bands: of several its limits are lists."""
    if len(limits) < 2:
        return limits[0] if limits else None
    names = STRETCHES[limits[0]["type"]]
    return {"type": limits[0]["type"], **{name: [band[name] for band in limits] for name in names}}


def _stretched(values: NDArray[Any], limits: dict[str, Any], unit: Unit) -> NDArray[Any]:
    return stretch_values(torch.from_numpy(values.astype(np.float32)), limits, unit).numpy()


def _sums(values: NDArray[Any]) -> _Sums:
    precise = values.astype(np.float64)
    return float(precise.size), float(precise.sum()), float(np.square(precise).sum())


def _no_data(images: Sequence[Path]) -> InputError:
    return InputError(
        f"{images[0].parent}: expected SAR images with data, found only no-data pixels in all {len(images)} of them; "
        "check the data root"
    )
