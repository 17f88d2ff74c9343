"""Score files: what one model thinks of one image, one byte per class and pixel.

A score file is a TIFF of C planes of uint8 codes, which any GIS opens as a multi-band image. Its header (`ScoreHeader`)
is JSON in the ImageDescription tag. Two encodings, both linear, so that integer means of codes are means of scores:

* `logit` code = round(255 (1 + max(log p, -R) / R)), with R = `log_range` in the header;
* `probability` code = round(255 p).

Planes are cut into compressed 256x256 tiles, so that a window is read without the rest. Compression is deflate level 1
with horizontal predictor. On smooth softmax fields (8 x 1024 x 1024, logit) that is 3.6 MB, against 5.8 MB without
predictor; deflate level 6 saves 4% more for 4 times the writing time, zstd level 1 with predictor is no smaller, and
not every GIS reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import tifffile
from numpy.typing import NDArray

from landcover.atomic import atomic_path
from landcover.errors import InputError
from landcover.raster import TILE, Georeference, extra_tags

Encoding = Literal["logit", "probability"]

DEFAULT_LOG_RANGE = 10.0
"""R of the logit encoding: probabilities below exp(-10) = 4.5e-5 share code 0, a step is a factor of 1.04."""

FORMAT_VERSION = 1
_FORMAT = "landcover-scores"
# GDAL's own metadata and no-data value describe the image, not the codes: 0 is a score here.
_IMAGE_ONLY_CODES = (42112, 42113)


@dataclass(frozen=True)
class ScoreHeader:
    """What the codes of a score file mean.

    Args:
        model: name of the model that made them.
        scheme: name of the class scheme; plane k is class k + 1 of its label files.
        encoding: how a probability became a code.
        log_range: R of the logit encoding, > 0; without effect for `probability`.
        height: H in pixels.
        width: W in pixels.
        classes: C, at least 2.
    """

    model: str
    scheme: str
    encoding: Encoding
    log_range: float
    height: int
    width: int
    classes: int


def encode(
    probabilities: NDArray[np.float32], encoding: Encoding, log_range: float = DEFAULT_LOG_RANGE
) -> NDArray[np.uint8]:
    """Codes of class probabilities, rounded to the nearest: uint8 (C, H, W).

    Args:
        probabilities: float32 (C, H, W), 0..1.
        encoding: `logit` or `probability`.
        log_range: R of the logit encoding.

    Raises:
        ValueError: a probability is not a number, as after a training run that diverged.
    """
    if encoding == "logit":
        values = np.maximum(probabilities, np.float32(math.exp(-log_range)))
        np.log(values, out=values)
        values *= np.float32(255 / log_range)
        values += np.float32(255)
    else:
        values = probabilities * np.float32(255)
    if math.isnan(float(values.max(initial=0))):
        raise ValueError("class probabilities contain NaN; the model diverged or its weights are damaged")
    np.rint(values, out=values)
    return np.clip(values, 0, 255, out=values).astype(np.uint8)


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
) -> None:
    """Writes a score file, atomically; the same codes give the same bytes.

    Args:
        path: file to write, `<tile>.tif`.
        codes: uint8 (C, H, W).
        header: what the codes mean; its sizes are those of `codes`.
        georeference: of the image that was classified.

    Raises:
        ValueError: `codes` are not what `header` says, or there are fewer than two classes.
    """
    expected = (header.classes, header.height, header.width)
    if codes.dtype != np.uint8 or codes.shape != expected or header.classes < 2:
        raise ValueError(
            f"expected uint8 codes of shape {expected}, 2 or more classes; got {codes.dtype} {codes.shape}"
        )
    geometry = Georeference(tuple(tag for tag in georeference.tags if tag[0] not in _IMAGE_ONLY_CODES))
    with atomic_path(path) as temporary:
        tifffile.imwrite(
            temporary,
            codes,
            photometric="minisblack",
            planarconfig="separate",
            tile=(TILE, TILE),
            compression="zlib",
            compressionargs={"level": 1},
            predictor=True,
            description=json.dumps({"format": _FORMAT, "version": FORMAT_VERSION, **asdict(header)}),
            extratags=extra_tags(geometry),
            metadata=None,
            software=False,
        )


def read_header(path: Path) -> ScoreHeader:
    """Header of a score file, without decoding a tile.

    Raises:
        InputError: the file is missing, damaged, or not a score file of this version.
    """
    with _open(path) as (_, header):
        return header


def read_scores(path: Path) -> tuple[ScoreHeader, NDArray[np.uint8]]:
    """Header and codes, uint8 (C, H, W), of a score file.

    Raises:
        InputError: as `read_header`.
    """
    with _open(path) as (page, header):
        return header, page.asarray()


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
    with _open(path) as (page, header):
        if not (0 <= top <= top + height <= header.height and 0 <= left <= left + width <= header.width):
            raise InputError(
                f"{path}: expected scores that cover {height}x{width} pixels from row {top}, column {left}, found "
                f"{header.height}x{header.width}; predict this tile again"
            )
        window = np.empty((header.classes, height, width), dtype=np.uint8)
        for plane in range(header.classes):
            for row in range(top // TILE, -(-(top + height) // TILE)):
                for column in range(left // TILE, -(-(left + width) // TILE)):
                    _paste(
                        window[plane], _decode_tile(page, plane, row, column), row * TILE - top, column * TILE - left
                    )
        return window


def _logit_probabilities(log_range: float) -> NDArray[np.float64]:
    """Probability that each of the 256 logit codes stands for."""
    return np.exp((np.arange(256) / 255 - 1) * log_range)


@contextmanager
def _open(path: Path) -> Iterator[tuple[tifffile.TiffPage, ScoreHeader]]:
    """Opens a score file; whatever goes wrong with its bytes becomes an `InputError`."""
    if not path.is_file():
        raise InputError(f"{path}: expected a score file, found none; predict this tile first")
    try:
        with tifffile.TiffFile(path) as file:
            page = file.pages.first
            header = _parse_header(page.description, path)
            planes = (header.classes, header.height, header.width)
            if page.shape != planes or page.dtype != np.uint8 or page.chunks != (TILE, TILE):
                raise InputError(
                    f"{path}: expected uint8 scores {planes} in tiles of {TILE}, found {page.dtype} {page.shape} in "
                    f"{page.chunks}; the file was rewritten by another program, predict this tile again"
                )
            yield page, header
    except InputError:
        raise
    except Exception as error:  # the codecs raise whatever they like on damaged bytes
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not readable as a score file ({reason}); delete it and predict this tile") from error


def _parse_header(description: str, path: Path) -> ScoreHeader:
    try:
        content = json.loads(description)
    except json.JSONDecodeError:
        content = None
    if not isinstance(content, dict) or content.get("format") != _FORMAT:
        raise InputError(f"{path}: expected a score file, found a TIFF without its header; predict this tile again")
    if content.get("version") != FORMAT_VERSION:
        raise InputError(
            f"{path}: expected score file version {FORMAT_VERSION}, found {content.get('version')}; predict it again"
        )
    try:
        header = ScoreHeader(**{field.name: content[field.name] for field in fields(ScoreHeader)})
        valid = header.encoding in get_args(Encoding) and header.log_range > 0
    except (KeyError, TypeError):
        valid = False
    if not valid:
        raise InputError(f"{path}: expected a complete score header, found {description!r}; predict this tile again")
    return header


def _decode_tile(page: tifffile.TiffPage, plane: int, row: int, column: int) -> NDArray[np.uint8]:
    """One tile of one plane: uint8 (TILE, TILE), padded where it reaches over the image."""
    rows, columns = (-(-length // TILE) for length in page.shape[1:])
    index = (plane * rows + row) * columns + column
    handle = page.parent.filehandle
    handle.seek(page.dataoffsets[index])
    pixels, _, _ = page.decode(handle.read(page.databytecounts[index]), index)
    return np.asarray(pixels, dtype=np.uint8).reshape(TILE, TILE)


def _paste(target: NDArray[np.uint8], tile: NDArray[np.uint8], top: int, left: int) -> None:
    """Writes the part of `tile` that lies in `target`, with the tile's corner at (top, left), which may be negative."""
    height, width = target.shape
    rows, columns = slice(max(top, 0), min(top + TILE, height)), slice(max(left, 0), min(left + TILE, width))
    target[rows, columns] = tile[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
