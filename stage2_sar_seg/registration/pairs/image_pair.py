"""A SAR and an optical image of one place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError


@dataclass(frozen=True)
class ImagePair:
    """Two images of equal size, and how far they are off each other.

    Args:
        name: unique in its data set.
        sar: file of one band.
        optical: file of red, green and blue.
        offset: rows and columns, pixels: what the SAR image shows at (row, column) lies at (row + offset[0],
            column + offset[1]) of the optical image. (0, 0) for pairs that are co-registered.
    """

    name: str
    sar: Path
    optical: Path
    offset: tuple[float, float] = (0.0, 0.0)


def co_registered(sar: Mapping[str, Path], optical: Mapping[str, Path]) -> list[ImagePair]:
    """Pairs of the files of one name, without offset, sorted by name.

    Args:
        sar: files by name.
        optical: files by name.

    Raises:
        InputError: a file of one kind has no partner; names the first.
    """
    for files, others, other in ((sar, optical, "optical"), (optical, sar, "SAR")):
        alone = sorted(name for name in files if name not in others)
        if alone:
            raise InputError(
                f"{files[alone[0]]}: expected its {other} image, found none (files without one: {len(alone)}); unpack "
                "the data set again"
            )
    return [ImagePair(name, sar[name], optical[name]) for name in sorted(sar)]
