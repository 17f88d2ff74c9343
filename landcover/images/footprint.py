"""Where on the ground an image lies, and which images overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.images.grid import read_georeference
from landcover.images.raster import read_info

TOUCHING = 1e-3
"""Overlap that counts as none, as a share of the smaller side (a pixel of 1024): coordinates are rounded."""

_PIXEL_SCALE, _TIEPOINT, _TRANSFORMATION = 33550, 33922, 34264  # TIFF tags, as those of the next line
_KEYS, _DOUBLES, _TEXTS = 34735, 34736, 34737
_RASTER_TYPE, _GEOGRAPHIC_CRS, _PROJECTED_CRS = 1025, 2048, 3072  # GeoTIFF keys
_CITATIONS = (1026, 2049, 3073, 4097)  # GeoTIFF keys whose text is free: it tells no two systems apart
_PIXEL_IS_POINT = 2
_USER_DEFINED = 32767


@dataclass(frozen=True)
class Footprint:
    """Bounding box of an image on the ground.

    Args:
        crs: coordinate system, such as `EPSG:32654`; its GeoTIFF keys if it has no code, empty if the file names none.
        left, bottom, right, top: in units of the system; left < right and bottom < top.
    """

    crs: str
    left: float
    bottom: float
    right: float
    top: float


def read_footprint(path: Path) -> Footprint | None:
    """Footprint of an image file, None if its tags do not place it; pixels are not decoded.

    The transform is ModelPixelScale with ModelTiepoint, or ModelTransformation, in this order as in GDAL (OGC GeoTIFF
    1.1, https://docs.ogc.org/is/19-008r4/19-008r4.html); ground control points alone place no image. The box of a
    rotated image holds more ground than the image.

    Raises:
        InputError: the file is missing or damaged.
    """
    info = read_info(path)
    if path.suffix.lower() == ".png":
        return None
    tags = {code: value for code, _, _, value in read_georeference(path).tags}
    transform = _transform(tags)
    if transform is None:
        return None
    keys = _geo_keys(tags)
    first = -0.5 if keys.get(_RASTER_TYPE) == _PIXEL_IS_POINT else 0.0  # coordinates are those of centres or of corners
    columns, rows = first + np.array([0, info.width]), first + np.array([0, info.height])
    corners = [transform @ (column, row, 1.0) for column in columns for row in rows]
    (left, bottom), (right, top) = np.min(corners, axis=0).tolist(), np.max(corners, axis=0).tolist()
    if not (np.isfinite(corners).all() and left < right and bottom < top):
        return None
    return Footprint(_crs(keys), left, bottom, right, top)


def overlap_groups(footprints: Sequence[Footprint]) -> NDArray[np.int64]:
    """Number (N,) of the group of every footprint: chains of overlapping footprints of one coordinate system.

    Groups are numbered from 0 in the order of their first members. Boxes overlap by more than `TOUCHING` of the smaller
    side, in both directions. Footprints in different systems never overlap here, although two systems can show one
    place.
    """
    low = np.array([[box.left for box in footprints], [box.bottom for box in footprints]])
    high = np.array([[box.right for box in footprints], [box.top for box in footprints]])
    side = high - low
    crs = np.unique([box.crs for box in footprints], return_inverse=True)[1]
    groups = np.full(len(footprints), -1)
    number = 0
    for first in range(len(footprints)):
        if groups[first] >= 0:
            continue
        groups[first] = number
        waiting = [first]
        while waiting:  # each footprint waits once, and is compared with all others in one step
            box = waiting.pop()
            shared = np.minimum(high, high[:, [box]]) - np.maximum(low, low[:, [box]])
            overlaps = (shared > TOUCHING * np.minimum(side, side[:, [box]])).all(axis=0) & (crs == crs[box])
            found = np.flatnonzero(overlaps & (groups < 0))
            groups[found] = number
            waiting.extend(found.tolist())
        number += 1
    return groups


def at_one_place(footprints: Sequence[Footprint]) -> bool:
    """Whether all footprints have a corner in common, as images of any size have whose tags were never filled in."""
    if len({box.crs for box in footprints}) > 1:
        return False
    vertical = min(len({box.left for box in footprints}), len({box.right for box in footprints}))
    horizontal = min(len({box.bottom for box in footprints}), len({box.top for box in footprints}))
    return vertical <= 1 and horizontal <= 1


def _transform(tags: dict[int, Any]) -> NDArray[np.float64] | None:
    """(2, 3) matrix from (column, row, 1) to coordinates."""
    scale, tiepoint = np.ravel(tags.get(_PIXEL_SCALE, ())), np.ravel(tags.get(_TIEPOINT, ()))
    if scale.size >= 2 and tiepoint.size >= 6:
        column, row, _, x, y, _ = tiepoint[:6]
        return np.array([(scale[0], 0.0, x - scale[0] * column), (0.0, -scale[1], y + scale[1] * row)])
    matrix = np.ravel(tags.get(_TRANSFORMATION, ()))
    return matrix.reshape(4, 4)[:2, [0, 1, 3]] if matrix.size == 16 else None


def _geo_keys(tags: dict[int, Any]) -> dict[int, Any]:
    """Values of the GeoTIFF keys by number; the first four numbers of the directory are its header."""
    directory = np.ravel(tags.get(_KEYS, ())).tolist()
    elsewhere = {_DOUBLES: np.ravel(tags.get(_DOUBLES, ())).tolist(), _TEXTS: tags.get(_TEXTS, "")}
    keys = {}
    for entry in range(4, len(directory) - 3, 4):
        key, location, count, value = directory[entry : entry + 4]
        keys[key] = elsewhere[location][value : value + count] if location in elsewhere else value
    return keys


def _crs(keys: dict[int, Any]) -> str:
    code = keys.get(_PROJECTED_CRS, keys.get(_GEOGRAPHIC_CRS, _USER_DEFINED))
    if code != _USER_DEFINED:
        return f"EPSG:{code}"
    return ", ".join(f"{key}={keys[key]}" for key in sorted(keys) if key not in (*_CITATIONS, _RASTER_TYPE))
