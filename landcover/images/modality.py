"""Optical and SAR images of one place: an image of one modality is an array, of several a mapping to arrays.

What happens to every band alike (cutting, flipping, scaling) goes through `each` and so need not tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from landcover.images.no_data import Raster
from landcover.images.raster import read_optical, read_sar
from landcover.images.same_grid import check_same_grid
from landcover.images.segments import Area
from landcover.images.source import Bands

Modality = Literal["optical", "sar", "optical+sar"]
"""What a network reads: one image, or several of one place on one grid."""

Image = NDArray[Any] | Mapping[str, NDArray[Any]]
"""(H, W) or (H, W, bands) as read from file; of several modalities, such arrays of one H and W by their names."""

ImageFile = Path | Mapping[str, Path]
"""File of an `Image`, or its files by modality."""

Item = TypeVar("Item")
Result = TypeVar("Result")


@overload
def each(image: Mapping[str, Item], change: Callable[[Item], Result]) -> dict[str, Result]: ...
@overload
def each(image: Item, change: Callable[[Item], Result]) -> Result: ...
def each(image: Any, change: Callable[[Any], Any]) -> Any:
    """`change` of an image or file of one modality, or of each of several."""
    return {name: change(part) for name, part in image.items()} if isinstance(image, Mapping) else change(image)


def parts_of(image: Any) -> tuple[Any, ...]:
    """The array or file of one modality, or those of several in their order."""
    return tuple(image.values()) if isinstance(image, Mapping) else (image,)


def names_of(modality: Modality) -> tuple[str, ...]:
    """The single modalities."""
    return tuple(modality.split("+"))


def part_of(image: Any, modality: Modality, name: str) -> Any:
    """The array or file of one modality `name` of an image or file of `modality`; None if that does not have it."""
    if isinstance(image, Mapping):
        return image.get(name)
    return image if modality == name else None


def main_file(file: ImageFile) -> Path:
    """The file by which an image is known and whose georeferencing its maps get: of several, that of the SAR image."""
    return file["sar"] if isinstance(file, Mapping) else file


def size_of(image: Image) -> tuple[int, int]:
    """Height and width."""
    height, width = parts_of(image)[0].shape[:2]
    return height, width


def read_image(file: ImageFile, modality: Modality, area: Area | None = None, bands: Bands = ()) -> Image:
    """The image of `modality` in `file`, or the window `area` of it; 0 where the file says that there is no data.

    Args:
        file: its file, or its files by modality.
        modality: what to read.
        area: rows and columns, None for all.
        bands: of the SAR image, see `read_sar`.

    Raises:
        InputError: a file is missing, damaged or not of its modality, or whole images do not lie on one grid.
    """
    return each(_rasters(file, modality, area, bands), _pixels)


def read_whole(
    file: ImageFile,
    modality: Modality,
    bands: Bands = (),
    as_stored: str | None = None,
    area: Area | None = None,
) -> tuple[Image, NDArray[np.bool_]]:
    """The whole image, and where it has no data: bool (H, W).

    Of several modalities, no data is where any of them has none: a network reads them all. `bands` and `as_stored` are
    those of `read_sar`. With an `area`, that window is looked at as if it were an image of its own.

    Raises:
        InputError: as `read_image`.
    """
    rasters = _rasters(file, modality, area, bands, as_stored)
    masks = [raster.no_data() for raster in parts_of(rasters)]
    return each(rasters, _pixels), np.logical_or.reduce(masks)


def _rasters(
    file: ImageFile, modality: Modality, area: Area | None, bands: Bands, as_stored: str | None = None
) -> Raster | dict[str, Raster]:
    if not isinstance(file, Mapping):
        return _read(file, modality, area, bands, as_stored)
    if area is None:
        for path in set(file.values()) - {main_file(file)}:
            check_same_grid(path, main_file(file), "bilinear")
    return {name: _read(file[name], name, area, bands, as_stored) for name in names_of(modality)}


def _read(path: Path, name: str, area: Area | None, bands: Bands, as_stored: str | None) -> Raster:
    return read_sar(path, area, bands, as_stored) if name == "sar" else read_optical(path, area)


def _pixels(raster: Raster) -> NDArray[Any]:
    return raster.pixels
