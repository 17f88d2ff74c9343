"""A SAR scene of any size, read window by window."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from landcover.errors import InputError
from landcover.images.opening import opened
from landcover.images.raster import check_one_band, read_info
from landcover.images.source import Bands, RasterSource, open_source


@contextmanager
def open_scene(path: Path, bands: Bands = (), as_stored: str | None = None) -> Iterator[RasterSource]:
    """Opens a scene in any format that GDAL reads; the bands of `bands`, or the only one, with or without alpha.

    Raises:
        InputError: missing, unreadable, several bands without a choice among them, or without one of the chosen ones;
            bands that are pages of a TIFF, of which GDAL reads the first.
    """
    pages = read_info(path).bands
    with opened(path) as file:
        if pages > file.count:
            page = quote(f"GTIFF_DIR:1:{path}")
            raise InputError(
                f"{path}: expected one image, found {pages} pages; write bands to one image, or the page that the "
                f"model reads to a file of its own: rio convert {page} NEW.tif"
            )
    with open_source(path, bands, True, as_stored) as scene:
        if not bands:
            check_one_band(path, len(scene.bands), scene.dtype)
        yield scene


def warn_of_place(scene: RasterSource) -> None:
    """Prints a line if a GIS will not know, or not for sure, where to draw the map of this scene."""
    grid = scene.grid
    if not grid.georeferenced:
        found, then = "no georeferencing", "the map will have none either"
    elif grid.crs is None and grid.rpcs is None:
        found = "control points" if grid.control_points else "a transform"
        found, then = f"{found} without a coordinate system", "the map will have them likewise"
    elif grid.rpcs is not None and grid.crs is None:
        found, then = "RPCs alone", "the map will have them too; a GIS needs a height model to place it"
    else:
        return
    print(f"warning: {scene.path}: {found}; {then}", file=sys.stderr)
