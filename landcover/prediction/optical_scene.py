"""The optical image beside a SAR scene, read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from landcover.errors import InputError
from landcover.images.layout import colours_of
from landcover.images.raster import read_info
from landcover.images.same_grid import check_same_grid
from landcover.images.source import RasterSource, open_source


@contextmanager
def open_optical_scene(path: Path, sar_path: Path) -> Iterator[RasterSource]:
    """Opens the RGB bands of an image of uint8, with or without a fourth band or alpha, in any format that GDAL reads.

    Args:
        path: its file.
        sar_path: file of the SAR scene, on whose grid it must lie.

    Raises:
        InputError: missing, unreadable, other bands or types, or another grid.
    """
    info = read_info(path)
    if info.bands not in (3, 4) or info.dtype != np.uint8:
        raise InputError(
            f"{path}: expected an optical image of 3 bands of uint8, found {info.bands} of {info.dtype}; "
            "convert the file"
        )
    check_same_grid(path, sar_path, "bilinear")
    with open_source(path, colours_of(path)) as scene:
        yield scene
