"""Label maps of the pixels that label files of other origin hold."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID, ClassScheme
from landcover.classes.convention import SETTING, Colour, Convention
from landcover.classes.scheme import MOST_CLASSES
from landcover.errors import InputError, shorten

Pixels = NDArray[Any]  # (H, W) or (H, W, B), any numbers
Labels = NDArray[np.uint8]  # (H, W)
Mask = NDArray[np.bool_]  # (H, W)
Palette = NDArray[np.uint8]  # (N, 3), colour of each index

WIDEST_TABLE = 2**16
"""Between the smallest and the largest number of a file, for a look-up table; others are sorted."""

FEW_NUMBERS = 3
"""Numbers without a meaning that a message proposes words for; more are another class scheme."""

LARGEST = 2.0**31
"""Floating-point numbers beyond are no numbers of classes."""

DIRECT = (np.uint8, np.uint16)
"""Types that a table of all their values is made for."""

NONE = -1
"""What a pixel without a meaning becomes on the way."""


def to_labels(pixels: Pixels, missing: Mask, scheme: ClassScheme, path: Path, palette: Palette | None = None) -> Labels:
    """Label map (H, W), uint8, 0..C, as the convention of `scheme` reads the pixels of a file.

    Args:
        pixels: of the file; floating-point numbers must be whole.
        missing: pixels that hold nothing; they become void whatever they are.
        scheme: the classes.
        path: the file, for messages.
        palette: of pixels that are indices.

    Raises:
        InputError: pixels without a meaning, or with two; says which setting gives them one.
    """
    if pixels.ndim == 3 and pixels.shape[2] == 1:
        pixels = pixels[..., 0]
    files = scheme.convention.files
    if pixels.ndim != 2 or pixels.dtype not in DIRECT:
        palette = None
    if files == "colours":
        pixels = pixels if palette is None else _of_indices(palette, pixels)
        return _read_colours(pixels, missing, scheme, path)
    if files == "one-hot":
        return _read_one_hot(pixels, missing, scheme, path)
    if palette is not None:
        _check_palette(pixels, missing, palette, scheme, path)
    return _read_numbers(pixels, missing, scheme, path)


def _of_indices(palette: Palette, pixels: Pixels) -> Pixels:
    """Colours (H, W, 3) of indices; black where the palette is too short."""
    whole = np.zeros((np.iinfo(pixels.dtype).max + 1, 3), np.uint8)
    whole[: len(palette)] = palette
    return whole[pixels]


def _check_palette(pixels: Pixels, missing: Mask, palette: Palette, scheme: ClassScheme, path: Path) -> None:
    """Raises `InputError` if colours of the scheme stand for other numbers than its own.

    Programs that make PNGs smaller replace colours by indices in an order of their own, which would pass as classes. A
    palette with other colours than those of the scheme says nothing.
    """
    used = np.flatnonzero(np.bincount(pixels[~missing], minlength=1)).astype(pixels.dtype)
    by_colour = _colours(_of_indices(palette, used[None]), np.zeros((1, len(used)), np.bool_), scheme)[0]
    by_number = _looked_up(used, scheme)
    other = (by_colour != by_number) & (by_colour != VOID)
    if (by_colour == NONE).any() or not other.any():
        return
    index, label = int(used[other][0]), int(by_colour[other][0])
    raise InputError(
        f"{path}: expected numbers that agree with the colours of the palette, found {index} in the colour of "
        f"{scheme.classes[label - 1]}; {SETTING}=colours reads the colours; if the numbers are right, write them "
        "without a palette"
    )


def _read_numbers(pixels: Pixels, missing: Mask, scheme: ClassScheme, path: Path) -> Labels:
    if pixels.ndim != 2:
        if not _all_alike(pixels, missing, scheme):
            raise _bands_for_numbers(pixels, missing, scheme, path)
        pixels = np.ascontiguousarray(pixels[..., 0])
    if pixels.dtype == np.uint8 and scheme.convention == Convention() and pixels.max(initial=0) <= scheme.num_classes:
        return np.where(missing, np.uint8(VOID), pixels) if missing.any() else pixels
    numbers = pixels if pixels.dtype in DIRECT else _whole(np.where(missing, 0, pixels), path)
    labels = _looked_up(numbers, scheme)
    labels[missing] = VOID
    if (labels == NONE).any():
        raise _without_meaning(numbers[labels == NONE], numbers.size, scheme, path)
    return labels.astype(np.uint8)


def _all_alike(pixels: Pixels, missing: Mask, scheme: ClassScheme) -> bool:
    """Whether bands hold the same numbers, as of grey pictures saved in colour, and these are no colours of classes."""
    if not (pixels == pixels[..., :1]).all():
        return False
    labels = _colours(pixels, missing, scheme) if _may_be_colours(pixels) else np.zeros(1, np.int16)
    return bool((labels == NONE).any() or (labels == VOID).all())


def _whole(pixels: Pixels, path: Path) -> NDArray[np.int64]:
    """The same numbers as int64."""
    if pixels.dtype.kind not in "biuf":
        raise InputError(f"{path}: expected a number per pixel, found {pixels.dtype}; write class numbers as uint8")
    if pixels.dtype.kind == "f":
        wild = pixels[np.abs(pixels) > LARGEST]
        if wild.size:
            raise InputError(
                f"{path}: expected numbers of classes, found {wild[0]:g} ({wild.size / pixels.size:.1%} of the "
                "pixels); where that is no data, declare it as the no-data value of the file"
            )
        broken = pixels[pixels != np.rint(pixels)]
        if broken.size:
            raise InputError(
                f"{path}: expected whole numbers of classes, found {broken[0]:g} and more ({broken.size} pixels); "
                "check that the file is a label map, and resample label maps by nearest neighbour"
            )
    return pixels.astype(np.int64)


def _looked_up(numbers: NDArray[np.integer], scheme: ClassScheme) -> NDArray[np.int16]:
    if numbers.dtype in DIRECT:
        return _table(scheme.convention, scheme.num_classes, 0, np.iinfo(numbers.dtype).max)[numbers]
    low, high = int(numbers.min(initial=0)), int(numbers.max(initial=0))
    if high - low < WIDEST_TABLE:
        return _table(scheme.convention, scheme.num_classes, low, high)[numbers - low]
    found, positions = np.unique(numbers, return_inverse=True)
    return _meaning(found, scheme.convention, scheme.num_classes)[positions.reshape(numbers.shape)]


@lru_cache
def _table(convention: Convention, classes: int, low: int, high: int) -> NDArray[np.int16]:
    return _meaning(np.arange(low, high + 1), convention, classes)


def _meaning(numbers: NDArray[np.int64], convention: Convention, classes: int) -> NDArray[np.int16]:
    """Label of every number, `NONE` for those without."""
    meant = numbers + convention.shift
    for number, other in convention.pairs:
        meant[numbers == number] = other
    labels = np.full(numbers.shape, NONE, np.int16)
    for number, label in convention.numbers(classes).items():
        labels[meant == number] = label
    return labels


def _without_meaning(numbers: NDArray[np.integer], pixels: int, scheme: ClassScheme, path: Path) -> InputError:
    found = [int(number) for number in np.unique(numbers)]
    known = sorted(scheme.convention.numbers(scheme.num_classes))
    expected = f"0..{known[-1]}" if known == [*range(len(known))] else ", ".join(map(str, known))
    unknown = scheme.convention.unknown[0]
    if len(found) <= FEW_NUMBERS:
        words = " ".join([*scheme.convention.words(), *(f"{number}:{unknown}" for number in found)])
        cure = f'where that is unknown, {SETTING}="{words}" says so'
    else:
        cure = f"name the class scheme of these files in CLASSES, or map their numbers with {SETTING}"
    return InputError(
        f"{path}: expected label values {expected} (scheme {scheme.name}), found {shorten(list(map(str, found)))} "
        f"({numbers.size / pixels:.1%} of the pixels); {cure}"
    )


def _read_colours(pixels: Pixels, missing: Mask, scheme: ClassScheme, path: Path) -> Labels:
    if pixels.ndim == 2:
        raise InputError(
            f"{path}: expected colours in 3 bands (scheme {scheme.name}), found one band of numbers; "
            f"{SETTING}=numbers reads the numbers of its classes"
        )
    if not _may_be_colours(pixels):
        raise InputError(
            f"{path}: expected colours in 3 bands of uint8 (scheme {scheme.name}), found {pixels.shape[2]} bands of "
            f"{pixels.dtype}; {SETTING} says what else label files hold"
        )
    labels = _colours(pixels, missing, scheme)
    if (labels == NONE).any():
        raise _foreign_colours(pixels, labels, scheme, path)
    return labels.astype(np.uint8)


def _may_be_colours(pixels: Pixels) -> bool:
    return pixels.ndim == 3 and pixels.dtype == np.uint8 and pixels.shape[2] == 3


def _colours(pixels: Pixels, missing: Mask, scheme: ClassScheme) -> NDArray[np.int16]:
    """Label of every colour, `NONE` for those that are not of the scheme."""
    meant = dict.fromkeys(scheme.convention.unknown_colours, VOID)
    meant |= {colour: label for label, colour in enumerate(scheme.palette, start=1)}
    codes = np.array(sorted((_code(colour), label) for colour, label in meant.items()), np.int32)
    found = _code(pixels.astype(np.int32).transpose(2, 0, 1))
    places = np.searchsorted(codes[:, 0], found).clip(max=len(codes) - 1)
    same = codes[places, 0] == found
    labels = np.where(missing, VOID, np.where(same, codes[places, 1], NONE)).astype(np.int16)
    if scheme.convention.tolerance:
        off = labels == NONE
        labels[off] = _near_colours(pixels[off], meant, scheme.convention.tolerance)
    return labels


def _near_colours(pixels: Pixels, meant: Mapping[Colour, int], tolerance: int) -> NDArray[np.int16]:
    """Label (N,) of the only colour of `meant` that is as near as that to each of `pixels`, uint8 (N, 3)."""
    labels = np.full(len(pixels), NONE, np.int16)
    for colour, label in meant.items():
        low, high = (np.clip(np.array(colour) + side, 0, 255).astype(np.uint8) for side in (-tolerance, tolerance))
        labels[((pixels >= low) & (pixels <= high)).all(axis=1)] = label
    return labels


def _code(colour: Any) -> Any:  # a colour, or int64 arrays of its bands
    return colour[0] << 16 | colour[1] << 8 | colour[2]


def _foreign_colours(pixels: Pixels, labels: NDArray[np.int16], scheme: ClassScheme, path: Path) -> InputError:
    foreign = pixels[labels == NONE]
    colours, counts = np.unique(foreign, axis=0, return_counts=True)
    shown = [_hexadecimal(colours[place]) for place in np.argsort(-counts)]
    if len(colours) > MOST_CLASSES:
        cure = (
            "so many are a picture, or colours mixed by JPEG or resampling: write label maps without loss, resample "
            "them by nearest neighbour"
        )
    else:
        cure = (
            "name in CLASSES a class scheme with all colours, those of unknown pixels under unknown, and "
            'files = "colours"'
        )
    return InputError(
        f"{path}: expected the colours of the scheme {scheme.name}, found {shorten(shown)} "
        f"({len(foreign) / labels.size:.1%} of the pixels); {cure}"
    )


def _hexadecimal(colour: Colour) -> str:
    return "#{:02X}{:02X}{:02X}".format(*colour)


def _read_one_hot(pixels: Pixels, missing: Mask, scheme: ClassScheme, path: Path) -> Labels:
    if pixels.ndim == 2 or pixels.shape[2] != scheme.num_classes:
        bands = 1 if pixels.ndim == 2 else pixels.shape[2]
        cure = f"{SETTING}=numbers reads the numbers of its classes" if bands == 1 else "write a band for each class"
        raise InputError(
            f"{path}: expected {scheme.num_classes} bands, one per class of the scheme {scheme.name}, found {bands}; "
            f"{cure}"
        )
    labels = _one_hot(pixels, missing)
    several = int((labels == NONE).sum())
    if several:
        raise InputError(
            f"{path}: expected one band that is not 0 in every pixel, or none, found several in {several} pixels; "
            "write the band of one class alone as 1"
        )
    return labels.astype(np.uint8)


def _one_hot(pixels: Pixels, missing: Mask) -> NDArray[np.int16]:
    """Label of the only band that is not 0, void where all are, `NONE` where several are not."""
    present = (pixels != 0) & ~missing[..., None]
    count = np.count_nonzero(present, axis=2)
    return np.select([count == 0, count == 1], [np.int16(VOID), present.argmax(axis=2).astype(np.int16) + 1], NONE)


def _bands_for_numbers(pixels: Pixels, missing: Mask, scheme: ClassScheme, path: Path) -> InputError:
    """The message for several bands where numbers were expected: what they look like, and what reads them."""
    found = f"{path}: expected one band with the number of a class per pixel, found {pixels.shape[2]} bands"
    labels = _colours(pixels, missing, scheme) if _may_be_colours(pixels) else None
    if labels is not None and not (labels == NONE).any():
        return InputError(f"{found} with the colours of the scheme {scheme.name}; {SETTING}=colours reads them")
    if pixels.shape[2] == scheme.num_classes and not (_one_hot(pixels, missing) == NONE).any():
        return InputError(f"{found}, of which each pixel has one that is not 0; {SETTING}=one-hot reads them")
    if labels is not None:
        return _foreign_colours(pixels, labels, scheme, path)
    return InputError(f"{found} of {pixels.dtype}; write the one with the numbers as a file of one band")
