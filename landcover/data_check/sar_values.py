"""Values of SAR tiles, band by band: what one tile adds, and the statistics of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.data_check.report import SarStatistics
from landcover.images.no_data import Raster
from landcover.images.raster import read_raster, refuse_optical
from landcover.images.source import band_names

PERCENTILES = (1, 50, 99)
"""Percentiles of the SAR values in the report."""

SAMPLES_PER_TILE = 4096
"""Pixels per SAR tile that percentiles are taken from; they need all values at once, mean and deviation do not."""


@dataclass(frozen=True)
class SarSums:
    """What one SAR tile adds to the statistics.

    Args:
        names: of its bands, empty for files of one.
        dtype: of its values, as read.
        pixels: number of all.
        valid: number of those with data.
        totals: sum over these, float64 (bands,).
        squares: sum of squares, likewise.
        sample: some of them, (bands, n), uint8, uint16 or float32.
    """

    names: tuple[str, ...]
    dtype: str
    pixels: int
    valid: int
    totals: NDArray[np.float64]
    squares: NDArray[np.float64]
    sample: NDArray[Any]

    @staticmethod
    def of(raster: Raster, path: Path) -> SarSums:
        """Those of a whole image and its file."""
        valid = raster.pixels[~raster.no_data()]
        names = band_names(path) if valid.ndim == 2 else ()
        bands = valid[None] if valid.ndim == 1 else np.ascontiguousarray(valid.T)
        values = bands.astype(np.float64)
        count = bands.shape[1]
        pixels = raster.pixels.shape[0] * raster.pixels.shape[1]
        totals, squares = values.sum(axis=1), np.square(values).sum(axis=1)
        return SarSums(names, valid.dtype.name, pixels, count, totals, squares, even_sample(bands))


def even_sample(values: NDArray[Any]) -> NDArray[Any]:
    """About `SAMPLES_PER_TILE` of the values of a tile, (N,) or (bands, N), all at equal distances."""
    # odd, so that the sample does not keep to a few columns of a tile whose width is a power of two
    return values[..., :: values.shape[-1] // SAMPLES_PER_TILE | 1].copy()


def read_all_bands(path: Path) -> Raster:
    """All bands of a SAR file, of which a training chooses.

    Raises:
        InputError: it can not be read, or is an optical image.
    """
    raster = read_raster(path, measured=True)
    if raster.pixels.ndim == 3:
        refuse_optical(path, raster.pixels.shape[2], raster.pixels.dtype)
    return raster


def sar_statistics(sums: Sequence[SarSums]) -> tuple[SarStatistics, ...]:
    """Statistics of every band of all tiles; none without a single pixel of data, or if tiles differ in bands."""
    valid = sum(tile.valid for tile in sums)
    if valid == 0 or len({len(tile.sample) for tile in sums}) > 1:
        return ()
    means = np.sum([tile.totals for tile in sums], axis=0) / valid
    variances = np.sum([tile.squares for tile in sums], axis=0) / valid - means**2
    percentiles = np.percentile(np.concatenate([tile.sample for tile in sums], axis=1), PERCENTILES, axis=1).T
    return tuple(
        SarStatistics(
            mean=float(mean),
            std=max(float(variance), 0.0) ** 0.5,
            percentiles={percent: float(value) for percent, value in zip(PERCENTILES, values, strict=True)},
            no_data_share=1 - valid / sum(tile.pixels for tile in sums),
            band=name,
            dtype=sums[0].dtype,
        )
        for name, mean, variance, values in zip(sums[0].names or ("",), means, variances, percentiles, strict=True)
    )


def mixed_types(title: str, sums: Sequence[SarSums]) -> list[str]:
    """A line if SAR tiles differ in type: one model reads them all with one normalisation."""
    types = sorted({tile.dtype for tile in sums})
    if len(types) < 2:
        return []
    return [f"{title}: expected SAR tiles of one type, found {' and '.join(types)}; convert them to one"]


def mixed_bands(title: str, sums: Sequence[SarSums]) -> list[str]:
    """A line if SAR tiles differ in their bands: a training must find those that it reads in all of them."""
    found = sorted({", ".join(tile.names) or "one" for tile in sums})
    if len(found) < 2:
        return []
    return [f"{title}: SAR tiles differ in bands ({' or '.join(found)}); choose one that all have with sar.band"]
