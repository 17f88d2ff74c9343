"""Header of a score file: JSON in the ImageDescription tag of its TIFF."""

from __future__ import annotations

import base64
import binascii
import json
import math
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from landcover.classes import SCHEMES, ClassScheme
from landcover.classes.scheme_file import scheme_of_record
from landcover.errors import InputError
from landcover.images.raster import TILE

Encoding = Literal["logit", "probability"]

FORMAT_VERSION = 1
_FORMAT = "landcover-scores"


@dataclass(frozen=True)
class ScoreHeader:
    """What the codes of a score file mean.

    Args:
        model: name of the model that made them.
        scheme: name of the class scheme.
        encoding: how a probability became a code.
        log_range: R of the logit encoding, > 0; without effect for `probability`.
        height: H in pixels.
        width: W in pixels.
        classes: C, at least 2; plane k is class k + 1 of label maps.
        class_scheme: names and colours of the classes; None in files of earlier releases, whose scheme is known by its
            name.
        no_data: whether the file tells by a mask where the image has no data; None in files that do not know.
    """

    model: str
    scheme: str
    encoding: Encoding
    log_range: float
    height: int
    width: int
    classes: int
    class_scheme: ClassScheme | None = field(default=None, compare=False)
    no_data: bool | None = field(default=None, compare=False)


def format_header(header: ScoreHeader, codes: NDArray[np.uint8]) -> str:
    """Text of the header of `codes`, uint8 (C, H, W), with the largest code of each of their tiles."""
    largest = base64.b64encode(largest_codes(codes).tobytes()).decode("ascii")
    record = header.class_scheme.record() if header.class_scheme else None
    content = {"format": _FORMAT, "version": FORMAT_VERSION, **vars(header), "class_scheme": record}
    return json.dumps({**content, "largest": largest})


def parse_header(text: str, path: Path) -> tuple[ScoreHeader, NDArray[np.uint8]]:
    """Header and largest code of each tile, see `largest_codes`; 255 where a file of an earlier release does not tell.

    Args:
        text: ImageDescription of the file.
        path: the file, for messages.

    Raises:
        InputError: the text is not the header of a score file of this version.
    """
    content = _parse(text, path)
    header = _header(content, path)
    return header, _parse_largest(content.get("largest"), header, path)


def largest_codes(codes: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Largest code of every tile of every plane: uint8 (C, rows of tiles, columns of tiles)."""
    by_rows = np.maximum.reduceat(codes, np.arange(0, codes.shape[1], TILE), axis=1)
    return np.maximum.reduceat(by_rows, np.arange(0, codes.shape[2], TILE), axis=2)


def _parse(description: str, path: Path) -> dict[str, Any]:
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
    return content


def _header(content: dict[str, Any], path: Path) -> ScoreHeader:
    try:
        told = {field.name: content[field.name] for field in fields(ScoreHeader) if field.compare}
        record = content.get("class_scheme")
        scheme = SCHEMES.get(content["scheme"]) if record is None else scheme_of_record(record, path)
        header = ScoreHeader(**told, class_scheme=scheme, no_data=content.get("no_data"))
        valid = (
            header.encoding in get_args(Encoding)
            and header.no_data in (True, False, None)
            and 0 < header.log_range < math.inf
            and all(isinstance(name, str) and name for name in (header.model, header.scheme))
            and all(isinstance(size, int) and size > 0 for size in (header.height, header.width, header.classes))
        )
    except (KeyError, TypeError):
        valid = False
    if not valid:
        told = {key: value for key, value in content.items() if key != "largest"}
        raise InputError(f"{path}: expected a complete score header, found {told}; predict this tile again")
    return header


def _parse_largest(text: object, header: ScoreHeader, path: Path) -> NDArray[np.uint8]:
    shape = (header.classes, -(-header.height // TILE), -(-header.width // TILE))
    if text is None:
        return np.full(shape, 255, dtype=np.uint8)
    try:
        return np.frombuffer(base64.b64decode(str(text), validate=True), dtype=np.uint8).reshape(shape)
    except (binascii.Error, ValueError):
        count = math.prod(shape)
        raise InputError(
            f"{path}: expected the largest codes of {count} tiles, found others; predict this tile again"
        ) from None
