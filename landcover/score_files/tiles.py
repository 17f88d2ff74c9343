"""Tiles of a planar uint8 TIFF, each found by its place and decoded alone, straight into an array of the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray

from landcover.images.raster import TILE
from landcover.images.segments import DECODERS, HORIZONTAL, NO_PREDICTOR


@dataclass(frozen=True)
class TileTable:
    """Where the tiles of a TIFF of C planes, cut into `TILE` squares, lie, and how they are compressed.

    Args:
        offsets: int64 (C, rows of tiles, columns of tiles), first byte of each tile.
        sizes: int64, of the same shape, bytes of each tile.
        decoder: takes the bytes and `out`, a flat array that it fills and returns.
        differences: whether a pixel is stored as its difference to the left neighbour (TIFF's predictor 2).
    """

    offsets: NDArray[np.int64]
    sizes: NDArray[np.int64]
    decoder: Callable[..., Any]
    differences: bool

    @staticmethod
    def of(page: tifffile.TiffPage) -> TileTable:
        """Table of a page of planes; ValueError if it is compressed in a way that we do not write."""
        shape = tuple(-(-length // step) for length, step in zip(page.shape, (1, TILE, TILE), strict=True))
        if page.compression not in DECODERS or page.predictor not in (NO_PREDICTOR, HORIZONTAL):
            raise ValueError(f"compression {page.compression} with predictor {page.predictor}")
        offsets, sizes = (
            np.array(row, dtype=np.int64).reshape(shape) for row in (page.dataoffsets, page.databytecounts)
        )
        return TileTable(offsets, sizes, DECODERS[page.compression], page.predictor == HORIZONTAL)


class TileReader:
    """Reads tiles of the file at `path`.

    As a context manager it keeps the file open meanwhile; otherwise the file is opened for every tile.
    """

    def __init__(self, path: Path, table: TileTable) -> None:
        self._path, self._table = path, table
        self._file: BinaryIO | None = None

    def __enter__(self) -> TileReader:
        self._file = self._path.open("rb", buffering=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()
            self._file = None

    def decode(self, place: tuple[int, int, int], out: NDArray[np.uint8]) -> None:
        """Decodes the tile at (plane, row of tiles, column of tiles) into `out`, contiguous uint8 (TILE, TILE).

        Raises:
            ValueError: the tile is cut off; the codecs raise whatever they like on damaged bytes.
        """
        decoded = self._table.decoder(self._bytes(place), out=out.reshape(-1))
        if decoded.size != out.size:
            raise ValueError(f"tile {place} has {decoded.size} pixels instead of {out.size}")
        if self._table.differences:
            imagecodecs.delta_decode(out, axis=-1, out=out)

    def _bytes(self, place: tuple[int, int, int]) -> bytes:
        if self._file is None:
            with self._path.open("rb", buffering=0) as file:
                return self._read(file, place)
        return self._read(self._file, place)

    def _read(self, file: BinaryIO, place: tuple[int, int, int]) -> bytes:
        file.seek(int(self._table.offsets[place]))
        return file.read(int(self._table.sizes[place]))
