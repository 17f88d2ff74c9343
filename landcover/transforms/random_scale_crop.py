"""Random scale and crop, cropping first so that only the kept pixels are resized."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.classes import IGNORE_INDEX
from landcover.images.modality import Image, each, size_of
from landcover.images.segments import Area
from landcover.transforms.sample import Sample

SPARSE = 24
"""Rows and columns of the pixels that are looked at first."""


@dataclass(frozen=True)
class Window:
    """A part of an image and the size, rows and columns, that it is scaled to."""

    area: Area
    scaled: tuple[int, int]


class RandomScaleCrop:
    """A crop of `size` from the image scaled by a random factor.

    The window is cut at its size before scaling and resized afterwards, which equals scaling the whole image first
    up to interpolation at the window's border, at a fraction of the work. What the scaled image does not cover is
    zero with `IGNORE_INDEX`, right and below.

    Args:
        size: side of the square crop, pixels.
        scale: range of the uniform scale factor.
        max_class_share: a crop in which one class takes more of the labelled pixels is drawn again (the rule of
            mmsegmentation's `cat_max_ratio`); 1 accepts every crop.
        tries: number of draws before the last one is taken as it is.
        min_class_pixels: a crop with fewer pixels of the wanted class, if there is one, is drawn again too.
    """

    def __init__(
        self,
        size: int,
        scale: tuple[float, float] = (0.5, 2.0),
        max_class_share: float = 0.75,
        tries: int = 10,
        min_class_pixels: int = 0,
    ) -> None:
        self.size, self.scale, self.max_class_share, self.tries = size, scale, max_class_share, tries
        self.min_class_pixels = min_class_pixels

    def __call__(self, sample: Sample, rng: np.random.Generator, wanted: int | None = None) -> Sample:
        """A (size, size) sample, cut from `sample`; see `draw`."""
        window = self.draw(size_of(sample.image), sample.indices, rng, wanted)
        return self.fitted(each(sample.image, lambda pixels: pixels[window.area]), sample.indices, window)

    def draw(
        self,
        size: tuple[int, int],
        indices: NDArray[np.uint8] | None,
        rng: np.random.Generator,
        wanted: int | None = None,
    ) -> Window:
        """Where to cut, and to which size to scale: known before the image is read.

        Args:
            size: height and width of the image.
            indices: its training indices (H, W), which may reject a place.
            rng: of scale and place.
            wanted: index of a class that the crop should show.
        """
        factor = rng.uniform(*self.scale)
        height, width = size
        window = max(1, round(self.size / factor))
        rows, columns = min(height, window), min(width, window)
        # The window's rounding must not leave a one-pixel border.
        scaled_rows, scaled_columns = (
            self.size if part == window else max(1, min(self.size, round(part * factor))) for part in (rows, columns)
        )
        scaled = scaled_rows, scaled_columns
        for _ in range(self.tries):
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            area = np.s_[top : top + rows, left : left + columns]
            only_place = (rows, columns) == (height, width)
            if only_place or indices is None or self._accepts(indices[area], scaled, wanted):
                break
        return Window(area, scaled)

    def fitted(self, image: Image, indices: NDArray[np.uint8] | None, window: Window) -> Sample:
        """The (size, size) sample of a window.

        Args:
            image: its part of the image.
            indices: training indices of the whole image, if there are any.
            window: what `draw` returned.
        """
        image = each(image, lambda pixels: _fit(pixels, window.scaled, self.size, cv2.INTER_LINEAR, 0))
        if indices is None:
            return Sample(image)
        cut = indices[window.area]
        return Sample(image, _fit(cut, window.scaled, self.size, cv2.INTER_NEAREST_EXACT, IGNORE_INDEX))

    def _accepts(self, indices: NDArray[np.uint8], scaled: tuple[int, int], wanted: int | None) -> bool:
        if wanted is not None:
            crop = _resize(indices, scaled, cv2.INTER_NEAREST_EXACT)
            if np.count_nonzero(crop == wanted) < self.min_class_pixels:
                return False
        return self.max_class_share >= 1 or not _exceeds(indices, self.max_class_share)


def _exceeds(indices: NDArray[np.uint8], limit: float) -> bool:
    """Whether one class has more than a share `limit` of the labelled pixels.

    Classes are counted one after the other, the most frequent of a few hundred pixels first, until the others together
    have too few; mostly that takes one or two, and a quarter of the time of a histogram.
    """
    labelled = indices.size - np.count_nonzero(indices == IGNORE_INDEX)
    step = max(1, min(indices.shape) // SPARSE)
    sparse = np.bincount(indices[::step, ::step].ravel(), minlength=IGNORE_INDEX + 1)[:IGNORE_INDEX]
    others = labelled
    for index in np.argsort(-sparse, kind="stable").tolist():  # numpy would compare with its integers in eight bytes
        count = np.count_nonzero(indices == index)
        others -= count
        if count > limit * labelled:
            return True
        if others <= limit * labelled:
            break
    return False


def _fit(pixels: NDArray[Any], scaled: tuple[int, int], size: int, interpolation: int, fill: int) -> NDArray[Any]:
    resized = _resize(pixels, scaled, interpolation)
    height, width = resized.shape[:2]
    if (height, width) == (size, size):
        return resized
    canvas = np.full((size, size, *pixels.shape[2:]), fill, pixels.dtype)
    canvas[:height, :width] = resized
    return canvas


def _resize(pixels: NDArray[Any], scaled: tuple[int, int], interpolation: int) -> NDArray[Any]:
    height, width = scaled
    return cv2.resize(pixels, (width, height), interpolation=interpolation)
