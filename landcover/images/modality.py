"""Optical and SAR images of one place: an image of one modality is an array, of several a mapping to arrays.

What happens to every band alike (cutting, flipping, scaling) goes through `each` and so need not tell the two apart.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar, overload

from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.raster import read_optical, read_sar
from landcover.images.segments import Area

Modality = Literal["optical", "sar", "optical+sar"]
"""What a network reads: one image, or several of one place on one grid."""

Image = NDArray[Any] | Mapping[str, NDArray[Any]]
"""(H, W) or (H, W, bands) as read from file; of several modalities, such arrays of one H and W by their names."""

ImageFile = Path | Mapping[str, Path]
"""File of an `Image`, or its files by modality."""

Item = TypeVar("Item")
Result = TypeVar("Result")

_READERS: Mapping[str, Callable[[Path, Area | None], NDArray[Any]]] = {"optical": read_optical, "sar": read_sar}


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


def read_image(file: ImageFile, modality: Modality, area: Area | None = None) -> Image:
    """The image of `modality` in `file`, or the window `area` of it.

    Raises:
        InputError: a file is missing, damaged or not of its modality, or the files differ in size.
    """
    if not isinstance(file, Mapping):
        return _READERS[modality](file, area)
    image = {name: _READERS[name](file[name], area) for name in names_of(modality)}
    size = size_of(image)
    for name, pixels in image.items():
        if pixels.shape[:2] != size:
            raise InputError(
                f"{file[name]}: expected the {size[0]}x{size[1]} pixels of {parts_of(file)[0]}, found "
                f"{pixels.shape[0]}x{pixels.shape[1]}; images of one place must lie on one grid"
            )
    return image
