"""The optical image beside a SAR scene, read window by window."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from landcover.errors import InputError
from landcover.images.same_grid import check_same_grid
from landcover.images.source import RasterSource, open_source


@contextmanager
def open_optical_scene(path: Path, sar_path: Path) -> Iterator[RasterSource]:
    """Opens an image of three bands of uint8, with or without alpha, in any format that GDAL reads.

    Args:
        path: its file.
        sar_path: file of the SAR scene, on whose grid it must lie.

    Raises:
        InputError: missing, unreadable, other bands or types, or another grid.
    """
    with open_source(path) as scene:
        if len(scene.bands) not in (3, 4) or scene.dtype != np.uint8:
            raise InputError(
                f"{path}: expected an optical image of 3 bands of uint8, found {len(scene.bands)} of {scene.dtype}; "
                "convert the file"
            )
        check_same_grid(path, sar_path, "bilinear")
        yield scene
