"""Whether the files of a data set are what training needs: every file read once, every problem told at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.counts import label_counts
from landcover.data_check.report import DataReport
from landcover.data_check.sar_values import SarSums, mixed_bands, mixed_types, read_all_bands, sar_statistics
from landcover.data_sets.class_statistics import shifted_labels_warning
from landcover.data_sets.dfc2025 import SarTile
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError
from landcover.images.grid import read_grid
from landcover.images.label_file import read_labels
from landcover.images.no_data import Raster
from landcover.images.raster import read_optical
from landcover.images.same_grid import Resampling, check_same_grid
from landcover.processes.progress import track


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
        self._reference: Path | None = None
        self.sar: SarSums | None = None

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
        raster = self.read(self.image, read_all_bands)
        if raster is None:
            return
        self.sar = SarSums.of(raster, self.image)
        if self.sar.valid == 0:
            self.warnings.append(f"{self.image}: no pixel with data; its map will be all 0")


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
        sar=sar_statistics(sums),
        problems=(*(line for tile in findings for line in tile.problems), *mixed_types(title, sums)),
        warnings=(
            *_shifted_labels(title, scheme, counts),
            *(line for tile in findings for line in tile.warnings),
            *mixed_bands(title, sums),
        ),
    )


def _shifted_labels(title: str, scheme: ClassScheme, counts: Sequence[NDArray[np.int64]]) -> list[str]:
    line = shifted_labels_warning(np.sum(counts, axis=0), scheme, f"{title}: labels") if counts else None
    return [line] if line else []


def _class_shares(scheme: ClassScheme, counts: Sequence[NDArray[np.int64]]) -> dict[str, float]:
    if not counts:
        return {}
    total = np.sum(counts, axis=0)
    shares = total / total.sum()
    return {name: float(share) for name, share in zip(("unknown", *scheme.classes), shares, strict=True)}
