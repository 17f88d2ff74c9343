"""Opening a raster of any format that GDAL reads."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

import rasterio
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.io import DatasetReader

from landcover.errors import InputError, shorten

warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)  # told in our own words, where it matters


@contextmanager
def opened(path: Path) -> Iterator[DatasetReader]:
    """The open file.

    Raises:
        InputError: missing, unreadable, a container of several images, or damaged where it is read inside of the
            context.
    """
    if not path.is_file():
        raise InputError(f"{path}: expected an image file, found none; check the path")
    try:
        # sidecars are asked for by name: listing a folder of thousands of tiles for each takes as long as opening it
        with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="TRUE"), rasterio.open(path) as file:
            if file.count == 0:
                raise _container(path, file.subdatasets)
            yield file
    except RasterioError as error:
        raise unreadable(path, error) from error


def _container(path: Path, images: list[str]) -> InputError:
    cure = f"write one to a file of its own: rio convert {quote(images[0])} NEW.tif" if images else "pass another file"
    return InputError(f"{path}: expected one image, found {len(images)} ({shorten(images)}); {cure}")


def unreadable(path: Path, error: Exception) -> InputError:
    """What to tell of a file that a library refuses: GDAL's message lies behind rasterio's."""
    lines = str(error.__cause__ or error).splitlines()
    reason = lines[0][:200] if lines else type(error).__name__
    return InputError(f"{path}: not readable as an image ({reason}); the file is damaged or cut off, fetch it again")
