"""Whether the files of a data set are what training needs: every file read once, every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_check.report import DataReport, SarStatistics
from landcover.data_sets.class_statistics import label_counts
from landcover.data_sets.dfc2025 import SarTile
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError
from landcover.images.grid import read_grid
from landcover.images.label_file import read_labels
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_sar
from landcover.images.same_grid import Resampling, check_same_grid
from landcover.processes.progress import track

PERCENTILES = (1, 50, 99)
"""Percentiles of the SAR values in the report."""

SAMPLES_PER_TILE = 4096
"""Pixels per SAR tile that percentiles are taken from; they need all values at once, mean and deviation do not."""


def check_tiles(
    tiles: Sequence[LabelledTile] | Sequence[SarTile],
    title: str,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    workers: int | None = None,
    quiet: bool = False,
) -> DataReport:
    """Reads every SAR, optical and label file once: types, bands, label values, one grid, one SAR type for all.

    A SAR tile without a single pixel of data is a warning: it can be predicted (all no data), not learned from.

    Args:
        tiles: what to check.
        title: name in the report.
        scheme: classes of the label files.
        workers: threads, by default one per processor and at most 8.
        quiet: show no progress.
    """
    with ThreadPoolExecutor(workers or min(8, os.cpu_count() or 1)) as pool:
        checked = pool.map(lambda tile: _checked(tile, scheme), tiles)
        findings = list(track(checked, f"checking {title}", len(tiles), quiet=quiet))
    return _report(title, scheme, findings)


_Read = TypeVar("_Read", NDArray[np.uint8], Raster)


@dataclass(frozen=True)
class _SarSums:
    """What one SAR tile adds to `SarStatistics`: pixels, those with data, their sums and a sample of them."""

    dtype: str
    pixels: int
    valid: int
    total: float
    squares: float
    sample: NDArray[Any]  # uint8, uint16 or float32, as the file


class _Findings:
    """What is found in the files of one tile, one after the other; the first readable file sets the grid.

    Args:
        image: file that the tile is known by, whose georeferencing counts.
        scheme: classes of the label file.
    """

    def __init__(self, image: Path, scheme: ClassScheme) -> None:
        self.image, self.scheme = image, scheme
        self.problems: list[str] = []
        self.warnings: list[str] = []
        self.size: tuple[int, int] | None = None
        self.georeferenced = False
        self.labels: NDArray[np.int64] | None = None
        self.sar: _SarSums | None = None
        self._reference: Path | None = None

    def read(self, path: Path, reader: Callable[[Path], _Read], resampling: Resampling = "bilinear") -> _Read | None:
        """What `reader` gives; None and a problem noted if the file can not be used, or a problem of its grid alone."""
        try:
            found = reader(path)
            grid = read_grid(path)
        except InputError as error:
            self.problems.append(str(error))
            return None
        if path == self.image:
            self.georeferenced = grid.georeferenced
        if self._reference is None:
            self.size, self._reference = (grid.height, grid.width), path
        elif path != self._reference:
            try:
                check_same_grid(path, self._reference, resampling)
            except InputError as error:
                self.problems.append(str(error))
        return found

    def add_labels(self, path: Path) -> None:
        """Reads the label file and counts its classes."""
        labels = self.read(path, lambda file: read_labels(file, self.scheme), "nearest")
        if labels is not None:
            self.labels = label_counts(labels, self.scheme)
            if self.labels[0] == labels.size:
                self.warnings.append(f"{path}: every pixel is unknown (0); nothing is learned from this tile")

    def add_sar(self) -> None:
        """Reads the SAR image and sums its values."""
        raster = self.read(self.image, read_sar)
        if raster is None:
            return
        pixels = raster.pixels
        valid = pixels[~raster.no_data()]
        if valid.size == 0:
            self.warnings.append(f"{self.image}: no pixel with data; its map will be all 0")
        values = valid.astype(np.float64)
        # odd, so that the sample does not keep to a few columns of a tile whose width is a power of two
        step = valid.size // SAMPLES_PER_TILE | 1
        self.sar = _SarSums(
            str(pixels.dtype),
            pixels.size,
            valid.size,
            float(values.sum()),
            float(np.square(values).sum()),
            valid[::step].copy(),
        )


def _checked(tile: LabelledTile | SarTile, scheme: ClassScheme) -> _Findings:
    """Findings of the files of one tile, images first."""
    if isinstance(tile, SarTile):
        findings = _Findings(tile.sar, scheme)
        findings.add_sar()
        optical = tile.optical
    else:
        findings, optical = _Findings(tile.image, scheme), tile.image
    if optical is not None:
        findings.read(optical, read_optical)
    if tile.labels is not None:
        findings.add_labels(tile.labels)
    return findings


def _report(title: str, scheme: ClassScheme, findings: Sequence[_Findings]) -> DataReport:
    sizes = [tile.size for tile in findings if tile.size is not None] or [(0, 0)]
    heights, widths = zip(*sizes, strict=True)
    counts = [tile.labels for tile in findings if tile.labels is not None]
    sums = [tile.sar for tile in findings if tile.sar is not None]
    return DataReport(
        title=title,
        tiles=len(findings),
        heights=(min(heights), max(heights)),
        widths=(min(widths), max(widths)),
        without_georeference=sum(not tile.georeferenced for tile in findings),
        label_files=len(counts),
        class_shares=_class_shares(scheme, counts),
        sar=_sar_statistics(sums),
        problems=(*(line for tile in findings for line in tile.problems), *_mixed_types(title, sums)),
        warnings=tuple(line for tile in findings for line in tile.warnings),
    )


def _class_shares(scheme: ClassScheme, counts: Sequence[NDArray[np.int64]]) -> dict[str, float]:
    if not counts:
        return {}
    total = np.sum(counts, axis=0)
    shares = total / total.sum()
    return {name: float(share) for name, share in zip(("unknown", *scheme.classes), shares, strict=True)}


def _sar_statistics(sums: Sequence[_SarSums]) -> SarStatistics | None:
    valid = sum(tile.valid for tile in sums)
    if valid == 0:
        return None
    mean = sum(tile.total for tile in sums) / valid
    variance = sum(tile.squares for tile in sums) / valid - mean**2
    values = np.percentile(np.concatenate([tile.sample for tile in sums]), PERCENTILES)
    return SarStatistics(
        mean=mean,
        std=max(variance, 0.0) ** 0.5,
        percentiles={percent: float(value) for percent, value in zip(PERCENTILES, values, strict=True)},
        no_data_share=1 - valid / sum(tile.pixels for tile in sums),
    )


def _mixed_types(title: str, sums: Sequence[_SarSums]) -> list[str]:
    """A line if SAR tiles differ in type: one model reads them all with one normalisation."""
    types = sorted({tile.dtype for tile in sums})
    if len(types) < 2:
        return []
    return [f"{title}: expected SAR tiles of one type, found {' and '.join(types)}; convert them to one"]
