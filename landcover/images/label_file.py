"""Label files: our own, which say so, and those of other origin, which the convention of the class scheme reads."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import tifffile
from numpy.typing import NDArray
from PIL import Image

from landcover.classes import VOID, ClassScheme
from landcover.errors import InputError
from landcover.images.grid import Georeference
from landcover.images.label_pixels import Palette, to_labels
from landcover.images.layout import KNOWN_FILES
from landcover.images.no_data import Raster
from landcover.images.raster import read_raster, write_raster
from landcover.images.segments import Area

FORMAT = "landcover-labels"

IMAGE_DESCRIPTION = 270
"""TIFF tag that marks our own label files; it stays with a copy or a GDAL translation of one file, as a manifest of
the folder would not."""

PNG_DESCRIPTION = "Description"
"""Text chunk of PNG files with the same content."""

PNG_HEAD = 33
"""Bytes of the signature and the first chunk, behind which text may stand."""


@dataclass(frozen=True)
class _Head:
    """What a label file says beside its pixels.

    Args:
        mark: of one of our own label files.
        palette: colours of a file of indices.
    """

    mark: dict[str, Any] | None
    palette: Palette | None


def read_labels(path: Path, scheme: ClassScheme, area: Area | None = None) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 0..C of `scheme`, of a TIFF or PNG file, or the window `area` of it.

    Our own files hold these values. Those of other origin are read as `scheme.convention` says; what they declare to be
    no data is void. A file with a palette holds its indices, or the colours of the palette where `scheme` has colours.

    Raises:
        InputError: the file is missing, damaged, of another class scheme or convention.
    """
    raster = read_raster(path, area)
    head = _head(path)
    mark = head.mark
    if mark is None:
        return to_labels(raster.pixels, _missing(raster), scheme, path, head.palette)
    if mark != _mark(scheme):
        theirs = f"{mark.get('scheme')} ({', '.join(mark.get('classes', ()))})"
        raise InputError(
            f"{path}: expected labels of the class scheme {scheme.name} ({', '.join(scheme.classes)}), found {theirs}; "
            "choose labels of these classes, or set CLASSES"
        )
    scheme.check(raster.pixels, path)
    return raster.pixels


def label_mark(path: Path) -> dict[str, Any] | None:
    """What one of our own label files says about itself; None for files of other origin."""
    return _head(path).mark


def describe(scheme: ClassScheme) -> str:
    """The text that marks our own label files."""
    return json.dumps(_mark(scheme))


def label_png(labels: NDArray[np.uint8], scheme: ClassScheme) -> bytes:
    """A label map (H, W), uint8, as a one-band PNG that says what it is; the same labels give the same bytes.

    Label maps are runs of one value, and most rows are like the one above. Differences to that and run-length matching
    make files as small as other settings do; Pillow, which tries all filters for every row, takes far longer.
    """
    kinds, pixels = imagecodecs.PNG, np.ascontiguousarray(labels)
    png = imagecodecs.png_encode(pixels, level=6, strategy=kinds.STRATEGY.RLE, filter=kinds.FILTER.UP)
    text = f"{PNG_DESCRIPTION}\0{describe(scheme)}".encode("ascii")
    chunk = b"tEXt" + text
    mark = struct.pack(">I", len(text)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    return bytes(png[:PNG_HEAD]) + mark + bytes(png[PNG_HEAD:])


def write_labels(
    path: Path,
    labels: NDArray[np.uint8],
    scheme: ClassScheme,
    georeference: Georeference = Georeference(),  # noqa: B008  (immutable)
) -> None:
    """Writes a label map as a tiled TIFF that says what it is, atomically; the same labels give the same bytes.

    Args:
        path: file to write.
        labels: uint8 (H, W), values 0..C.
        scheme: the classes.
        georeference: of the image on whose grid the labels lie.
    """
    scheme.check(labels, path)
    text = describe(scheme)
    mark = (IMAGE_DESCRIPTION, 2, len(text) + 1, text)
    write_raster(path, labels, Georeference((*georeference.tags, mark)), no_data=VOID)


def _mark(scheme: ClassScheme) -> dict[str, Any]:
    return {"format": FORMAT, "scheme": scheme.name, "classes": list(scheme.classes)}


def _head(path: Path) -> _Head:
    status = path.stat()
    return _read_head(path, status.st_ino, status.st_size, status.st_mtime_ns)


@lru_cache(KNOWN_FILES)
def _read_head(path: Path, *_identity: int) -> _Head:
    try:
        text, palette = _png_head(path) if path.suffix.lower() == ".png" else _tiff_head(path)
    except Exception:  # GDAL may read files that these libraries do not
        return _Head(None, None)
    return _Head(_mark_in(text), palette)


def _mark_in(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except ValueError:  # a text of anybody's
        return None
    return content if isinstance(content, dict) and content.get("format") == FORMAT else None


def _png_head(path: Path) -> tuple[str, Palette | None]:
    with Image.open(path) as image:
        colours = image.getpalette() if image.mode == "P" else None
        palette = None if colours is None else np.array(colours, np.uint8).reshape(-1, 3)
        return str(image.info.get(PNG_DESCRIPTION)), palette


def _tiff_head(path: Path) -> tuple[str, Palette | None]:
    with tifffile.TiffFile(path) as file:
        page = file.pages[0]
        colours = page.colormap  # uint16 (3, N)
        return str(page.description), None if colours is None else (colours >> 8).astype(np.uint8).T


def _missing(raster: Raster) -> NDArray[np.bool_]:
    """Pixels (H, W) that the file declares to be no data, and NaN."""
    missing = np.zeros(raster.pixels.shape[:2], np.bool_) if raster.missing is None else raster.missing
    if not raster.zeros_declared:
        return missing
    zeros = raster.pixels == 0
    return missing | (zeros if zeros.ndim == 2 else zeros.all(axis=2))
