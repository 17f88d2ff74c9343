"""Weighted sums of the codes of several score files, one 256x256 tile at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.members import check_grids
from ensemble.weights import Average, Weights, tile_weights
from landcover.images.raster import TILE
from landcover.score_files.score_file import (
    DEFAULT_LOG_RANGE,
    ScoreFile,
    ScoreHeader,
    logit_to_probability_table,
    probability_to_logit_table,
)

OPEN_FILES = 16
"""Score files kept open at a time; any further are opened for every tile, so that 256 members on many threads do not
meet the system's limit."""

CACHE_PIXELS = 2**17
"""Pixels compared at a time, about: their planes stay in the cache while all classes pass over them."""

Codes = NDArray[np.uint8]


@dataclass(frozen=True)
class Place:
    """A tile of an image: its row and column among the tiles, and the pixels of the image that it covers."""

    row: int
    column: int
    area: tuple[slice, slice]

    @property
    def inside(self) -> tuple[slice, slice]:
        """The part of the tile that lies in the image."""
        rows, columns = self.area
        return slice(rows.stop - rows.start), slice(columns.stop - columns.start)


class TileSums:
    """Sums of one image's codes over its score files, tile by tile; memory is that of one tile.

    Args:
        files: score files of the same size and classes, one per member.
        average: what is summed; see `code_tables`.
        weights: of the members, see `tile_weights`.
        class_weights: of the classes, see `tile_weights`.

    Attributes:
        header: of the first file.
        weights: as integers.
        log_range: R of the sums of logit codes.
    """

    def __init__(
        self,
        files: Sequence[ScoreFile],
        average: Average,
        weights: Weights,
        class_weights: Sequence[float] | None = None,
    ) -> None:
        headers = [file.header for file in files]
        self.header = headers[0]
        self.log_range = common_log_range(headers)
        self.weights = tile_weights(weights, self.header.classes, average, class_weights, self.log_range)
        self._files, self._tables = files, code_tables(headers, average)
        self._codes = np.empty((TILE, TILE), dtype=np.uint8)
        self._product = np.empty((TILE, TILE), dtype=self.weights.dtype)
        self._sums = np.empty((self.header.classes, TILE, TILE), dtype=self.weights.dtype)

    def places(self) -> Iterator[Place]:
        """All tiles of the image, row by row."""
        for row, top in enumerate(range(0, self.header.height, TILE)):
            for column, left in enumerate(range(0, self.header.width, TILE)):
                bottom, right = min(top + TILE, self.header.height), min(left + TILE, self.header.width)
                yield Place(row, column, (slice(top, bottom), slice(left, right)))

    def labels(self, place: Place) -> Codes:
        """Label 1..C of the largest sum of each pixel of a tile, ties to the lowest: uint8, the part inside the image.

        Classes are summed in the order of the largest sum that the headers allow them. Once that is below the best
        sum of every pixel, neither this class nor any further one can win, and they are not decoded.
        """
        bounds = self._bounds(place)
        best = np.zeros(self._sums.shape[1:], dtype=self._sums.dtype)
        summed: list[int] = []
        for plane in sorted(range(self.header.classes), key=lambda plane: -bounds[plane]):
            if summed and bounds[plane] < int(best[place.inside].min()):
                break
            self._sum_plane(plane, place, self._sums[plane])
            np.maximum(best, self._sums[plane], out=best)
            summed.append(plane)
        summed.sort()
        return best_class([self._sums[plane][place.inside] for plane in summed], [plane + 1 for plane in summed])[0]

    def sums(self, place: Place, each: Callable[[int, Codes], None] | None = None) -> NDArray[Any]:
        """Sums of all classes of a tile: (C, rows, columns), the part inside the image, overwritten by the next call.

        Args:
            place: the tile.
            each: called with the number of every file and its codes, uint8 (C, rows, columns).
        """
        inside = (slice(None), *place.inside)
        self._sums[:] = self.weights.offsets.astype(self._sums.dtype)[:, None, None]
        codes = np.empty(self._sums.shape, dtype=np.uint8)
        for index in range(len(self._files)):
            for plane in range(self.header.classes):
                codes[plane] = self._read(index, plane, place)
                self._add(codes[plane], int(self.weights.factors[index, plane]), self._sums[plane])
            if each:
                each(index, codes[inside])
        return self._sums[inside]

    def _sum_plane(self, plane: int, place: Place, out: NDArray[Any]) -> None:
        out.fill(self.weights.offsets[plane])
        for index in range(len(self._files)):
            self._add(self._read(index, plane, place), int(self.weights.factors[index, plane]), out)

    def _read(self, index: int, plane: int, place: Place) -> Codes:
        self._files[index].read_tile(plane, place.row, place.column, self._codes)
        table = self._tables[index]
        # OpenCV's look-up takes a third of the time of numpy's.
        return self._codes if table is None else cv2.LUT(self._codes, table)

    def _add(self, codes: Codes, factor: int, out: NDArray[Any]) -> None:
        if factor == 1:
            np.add(out, codes, out=out)
        else:
            np.add(out, np.multiply(codes, factor, out=self._product, dtype=out.dtype), out=out)

    def _bounds(self, place: Place) -> list[int]:
        """Largest sum that each class can have in a tile."""
        bounds = self.weights.offsets.copy()
        for file, table, factors in zip(self._files, self._tables, self.weights.factors, strict=True):
            largest = file.largest[:, place.row, place.column]
            bounds += factors * (largest if table is None else table[largest])
        return [int(bound) for bound in bounds]


@contextmanager
def open_sums(
    paths: Sequence[Path], average: Average, weights: Weights, class_weights: Sequence[float] | None = None
) -> Iterator[TileSums]:
    """Opens the score files of one image; arguments as `TileSums`.

    Raises:
        InputError: a file is damaged, or the files differ in size, class scheme or class count.
    """
    with open_files(paths) as files:
        yield TileSums(files, average, weights, class_weights)


@contextmanager
def open_files(paths: Sequence[Path], kind: type[ScoreFile] = ScoreFile) -> Iterator[list[ScoreFile]]:
    """The score files of one image, of which `OPEN_FILES` are kept open.

    Raises:
        InputError: a file is damaged, or the files differ in size, class scheme or class count.
    """
    files = [kind(path) for path in paths]
    check_grids(paths, [file.header for file in files])
    with ExitStack() as stack:
        for file in files[:OPEN_FILES]:
            stack.enter_context(file)
        yield files


def best_class(planes: Sequence[NDArray[Any]], labels: Sequence[int]) -> tuple[Codes, NDArray[Any]]:
    """Label of the largest of several (H, W) planes, ties to the first, and that largest value, both (H, W).

    Args:
        planes: one per class.
        labels: of the planes, ascending, 1..255.
    """
    winners, largest = np.empty(planes[0].shape, dtype=np.uint8), np.empty_like(planes[0])
    # One running maximum over contiguous planes; argmax over the first axis would stride through all of them per pixel.
    step = max(1, CACHE_PIXELS // largest.shape[1])
    for top in range(0, len(largest), step):
        rows = slice(top, top + step)
        winner, best = winners[rows], largest[rows]
        winner[:], best[:] = labels[0], planes[0][rows]
        for label, plane in zip(labels[1:], planes[1:], strict=True):
            # Labels grow, so the last class that was strictly larger is the largest product.
            larger = (plane[rows] > best).view(np.uint8)
            np.maximum(winner, np.multiply(larger, np.uint8(label), out=larger), out=winner)
            np.maximum(best, plane[rows], out=best)
    return winners, largest


def common_log_range(headers: Sequence[ScoreHeader]) -> float:
    """R of an average of logits: the widest of the files keeps what the widest of them tells apart."""
    return max((header.log_range for header in headers if header.encoding == "logit"), default=DEFAULT_LOG_RANGE)


def code_tables(headers: Sequence[ScoreHeader], average: Average) -> list[Codes | None]:
    """For each file the table of 256 from its codes to codes of the average, None where they are the same."""
    if average == "probabilities":
        return [
            logit_to_probability_table(header.log_range) if header.encoding == "logit" else None for header in headers
        ]
    log_range = common_log_range(headers)
    return [_to_logit_table(header, log_range) for header in headers]


def _to_logit_table(header: ScoreHeader, log_range: float) -> Codes | None:
    if header.encoding == "probability":
        return probability_to_logit_table(log_range)
    if header.log_range == log_range:
        return None
    log_probabilities = header.log_range * (np.arange(256) / 255 - 1)
    return np.rint(255 * (1 + log_probabilities / log_range)).astype(np.uint8)
