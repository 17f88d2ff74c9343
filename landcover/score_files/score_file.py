"""Score files: what one model thinks of one image, one byte per class and pixel.

A score file is a TIFF of C planes of uint8 codes, which any GIS opens as a multi-band image. Its header (`ScoreHeader`)
is JSON in the ImageDescription tag. Two encodings, both linear, so that integer means of codes are means of scores:

* `logit` code = round(255 (1 + max(log p, -R) / R)), with R = `log_range` in the header;
* `probability` code = round(255 p).

Planes are cut into compressed 256x256 tiles, so that a window is read without the rest; the header also carries the
largest code of every tile, so that tiles of classes that cannot win need not be decoded at all. `STORAGE` says how they
are compressed, and docs/scores.md what the alternatives measure. Where the image has no data, a mask behind the planes
says so: what a model thinks there is nothing.
"""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import tifffile
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.grid import Georeference
from landcover.images.raster import TILE, extra_tags, write_mask
from landcover.run_files.atomic import atomic_path
from landcover.score_files.header import Encoding, ScoreHeader, format_header, parse_header
from landcover.score_files.tiles import TileReader, TileTable

DEFAULT_LOG_RANGE = 10.0
"""R of the logit encoding: probabilities below exp(-10) = 4.5e-5 share code 0, a step is a factor of 1.04."""

STORAGE: dict[str, Any] = {"compression": "zstd", "compressionargs": {"level": 1}, "predictor": True}
"""Arguments of `tifffile.imwrite`: zstd is written and read faster than deflate, at its size; see docs/scores.md."""

_BLOCK = 2**16  # values encoded at a time: they stay in the cache from step to step


def encode(
    probabilities: NDArray[np.float32], encoding: Encoding, log_range: float = DEFAULT_LOG_RANGE
) -> NDArray[np.uint8]:
    """Codes of class probabilities, rounded to the nearest: uint8 of the same shape.

    Args:
        probabilities: float32 (C, H, W), or planes of it, 0..1.
        encoding: `logit` or `probability`.
        log_range: R of the logit encoding.

    Raises:
        ValueError: a probability is not a number, as after a training run that diverged.
    """
    codes = np.empty(probabilities.shape, dtype=np.uint8)
    source, target = probabilities.reshape(-1), codes.reshape(-1)
    for start in range(0, source.size, _BLOCK):
        block = slice(start, start + _BLOCK)
        values = _scale(source[block], encoding, log_range)
        if math.isnan(float(values.max())):
            raise ValueError("class probabilities contain NaN; the model diverged or its weights are damaged")
        np.rint(values, out=values)
        target[block] = np.clip(values, 0, 255, out=values)
    return codes


def decode(codes: NDArray[np.uint8], header: ScoreHeader) -> NDArray[np.float32]:
    """Class probabilities of codes: float32 (C, H, W).

    `logit` codes become exp of the log-probability, normalised to sum 1 over the classes; `probability` codes become
    code / 255 as they are.
    """
    if header.encoding == "probability":
        return codes * np.float32(1 / 255)
    probabilities = _logit_probabilities(header.log_range).astype(np.float32)[codes]
    probabilities /= probabilities.sum(axis=0)
    return probabilities


def logit_to_probability_table(log_range: float) -> NDArray[np.uint8]:
    """The `probability` code of each of the 256 `logit` codes: uint8 (256,)."""
    return np.rint(255 * _logit_probabilities(log_range)).astype(np.uint8)


def probability_to_logit_table(log_range: float) -> NDArray[np.uint8]:
    """The `logit` code of each of the 256 `probability` codes: uint8 (256,)."""
    probabilities = np.maximum(np.arange(256) / 255, math.exp(-log_range))
    return np.rint(255 * (1 + np.log(probabilities) / log_range)).astype(np.uint8)


def write_scores(
    path: Path,
    codes: NDArray[np.uint8],
    header: ScoreHeader,
    georeference: Georeference = Georeference(),  # noqa: B008  (immutable)
    no_data: NDArray[np.bool_] | None = None,
) -> None:
    """Writes a score file, atomically; the same codes give the same bytes.

    Args:
        path: file to write, `<tile>.tif`.
        codes: uint8 (C, H, W).
        header: what the codes mean; its sizes are those of `codes`.
        georeference: of the image that was classified.
        no_data: bool (H, W), where the image has none; None if that is not known.

    Raises:
        ValueError: `codes` are not what `header` says, or there are fewer than two classes.
    """
    expected = (header.classes, header.height, header.width)
    if codes.dtype != np.uint8 or codes.shape != expected or header.classes < 2:
        raise ValueError(
            f"expected uint8 codes of shape {expected}, 2 or more classes; got {codes.dtype} {codes.shape}"
        )
    masked = None if no_data is None else bool(no_data.any())
    with atomic_path(path) as temporary, tifffile.TiffWriter(temporary) as file:
        file.write(
            codes,
            photometric="minisblack",
            planarconfig="separate",
            tile=(TILE, TILE),
            description=format_header(replace(header, no_data=masked), codes),
            **STORAGE,
            extratags=extra_tags(georeference),
            metadata=None,
            software=False,
        )
        if no_data is not None and masked:
            write_mask(file, no_data)


class ScoreFile:
    """A score file whose tiles are decoded on demand.

    As a context manager it keeps the file open meanwhile; otherwise the file is opened for every tile.

    Args:
        path: the file; only its header is read.

    Attributes:
        path: the file.
        header: what its codes mean.
        largest: uint8 (C, rows of tiles, columns of tiles), no code of a tile is larger; 255 where a file of an earlier
            release does not tell.

    Raises:
        InputError: the file is missing, damaged, or not a score file of this version.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: expected a score file, found none; predict this tile first")
        self.path = path
        try:
            with tifffile.TiffFile(path) as file:
                page = file.pages.first
                self.header, self.largest = parse_header(page.description, path)
                _check_page(page, self.header, path)
                table = TileTable.of(page)
        except InputError:
            raise
        except Exception as error:  # tifffile raises whatever it likes on damaged bytes
            raise _unreadable(path, error) from error
        self._reader = TileReader(path, table)

    def __enter__(self) -> ScoreFile:
        self._reader.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._reader.__exit__(kind, error, trace)

    def read_tile(self, plane: int, row: int, column: int, out: NDArray[np.uint8]) -> None:
        """Decodes one tile into `out`, contiguous uint8 (TILE, TILE); what reaches over the image has any value.

        Raises:
            InputError: the tile is damaged or cut off.
        """
        try:
            self._reader.decode((plane, row, column), out)
        except Exception as error:  # as above
            raise _unreadable(self.path, error) from error

    def no_data(self) -> NDArray[np.bool_] | None:
        """Where the image has no data, bool (H, W); None if the file does not know.

        Raises:
            InputError: the file is damaged or cut off.
        """
        size = self.header.height, self.header.width
        if not self.header.no_data:
            return None if self.header.no_data is None else np.zeros(size, dtype=bool)
        try:
            with tifffile.TiffFile(self.path) as file:
                mask = file.pages[1].asarray()
        except Exception as error:  # as above
            raise _unreadable(self.path, error) from error
        if mask.shape != size:
            raise InputError(f"{self.path}: expected a mask of {size}, found {mask.shape}; predict this tile again")
        return np.asarray(mask == 0)

    def read_window(self, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
        """Codes of a window, uint8 (C, height, width); arguments and errors as `read_score_window`."""
        size = self.header.height, self.header.width
        if not (0 <= top <= top + height <= size[0] and 0 <= left <= left + width <= size[1]):
            raise InputError(
                f"{self.path}: expected scores that cover {height}x{width} pixels from row {top}, column {left}, found "
                f"{size[0]}x{size[1]}; predict this tile again"
            )
        window = np.empty((self.header.classes, height, width), dtype=np.uint8)
        tile = np.empty((TILE, TILE), dtype=np.uint8)
        with self:
            for plane in range(self.header.classes):
                for row in range(top // TILE, -(-(top + height) // TILE)):
                    for column in range(left // TILE, -(-(left + width) // TILE)):
                        self.read_tile(plane, row, column, tile)
                        _paste(window[plane], tile, row * TILE - top, column * TILE - left)
        return window


def read_header(path: Path) -> ScoreHeader:
    """Header of a score file, without decoding a tile.

    Raises:
        InputError: the file is missing, damaged, or not a score file of this version.
    """
    return ScoreFile(path).header


def read_scores(path: Path) -> tuple[ScoreHeader, NDArray[np.uint8]]:
    """Header and codes, uint8 (C, H, W), of a score file.

    Raises:
        InputError: as `read_header`.
    """
    file = ScoreFile(path)
    return file.header, file.read_window(0, 0, file.header.height, file.header.width)


def read_score_window(path: Path, top: int, left: int, height: int, width: int) -> NDArray[np.uint8]:
    """Codes of a window, uint8 (C, height, width); only the tiles that it touches are decoded.

    Args:
        path: score file.
        top: first row of the window.
        left: first column of the window.
        height: rows of the window.
        width: columns of the window.

    Raises:
        InputError: as `read_header`, or the window is not inside the image.
    """
    return ScoreFile(path).read_window(top, left, height, width)


def _scale(probabilities: NDArray[np.float32], encoding: Encoding, log_range: float) -> NDArray[np.float32]:
    """Codes before rounding, as new float32."""
    if encoding == "probability":
        return probabilities * np.float32(255)
    values = np.maximum(probabilities, np.float32(math.exp(-log_range)))
    np.log(values, out=values)
    values *= np.float32(255 / log_range)
    values += np.float32(255)
    return values


def _logit_probabilities(log_range: float) -> NDArray[np.float64]:
    """Probability that each of the 256 logit codes stands for."""
    return np.exp((np.arange(256) / 255 - 1) * log_range)


def _check_page(page: tifffile.TiffPage, header: ScoreHeader, path: Path) -> None:
    planes = (header.classes, header.height, header.width)
    if page.shape != planes or page.dtype != np.uint8 or page.chunks != (TILE, TILE):
        raise InputError(
            f"{path}: expected uint8 scores {planes} in tiles of {TILE}, found {page.dtype} {page.shape} in "
            f"{page.chunks}; the file was rewritten by another program, predict this tile again"
        )


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: not readable as a score file ({reason}); delete it and predict this tile")


def _paste(target: NDArray[np.uint8], tile: NDArray[np.uint8], top: int, left: int) -> None:
    """Writes the part of `tile` that lies in `target`, with the tile's corner at (top, left), which may be negative."""
    height, width = target.shape
    rows, columns = slice(max(top, 0), min(top + TILE, height)), slice(max(left, 0), min(left + TILE, width))
    target[rows, columns] = tile[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
