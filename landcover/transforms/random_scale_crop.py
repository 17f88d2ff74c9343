"""Random scale and crop, cropping first so that only the kept pixels are resized."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from landcover.classes import IGNORE_INDEX
from landcover.images.modality import each, size_of
from landcover.transforms.sample import Sample


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
        """A (size, size) sample.

        Args:
            sample: what to cut from.
            rng: of scale and place.
            wanted: index of a class that the crop should show.
        """
        factor = rng.uniform(*self.scale)
        height, width = size_of(sample.image)
        window = max(1, round(self.size / factor))
        rows, columns = min(height, window), min(width, window)
        # The window's rounding must not leave a one-pixel border.
        scaled = tuple(
            self.size if part == window else min(self.size, round(part * factor)) for part in (rows, columns)
        )
        for _ in range(self.tries):
            top, left = int(rng.integers(height - rows + 1)), int(rng.integers(width - columns + 1))
            area = np.s_[top : top + rows, left : left + columns]
            only_place = (rows, columns) == (height, width)
            if only_place or sample.indices is None or self._accepts(sample.indices[area], scaled, wanted):
                break
        image = each(sample.image, lambda pixels: _fit(pixels[area], scaled, self.size, cv2.INTER_LINEAR, 0))
        if sample.indices is None:
            return Sample(image)
        return Sample(image, _fit(sample.indices[area], scaled, self.size, cv2.INTER_NEAREST_EXACT, IGNORE_INDEX))

    def _accepts(self, indices: NDArray[np.uint8], scaled: tuple[int, ...], wanted: int | None) -> bool:
        if wanted is not None:
            crop = _resize(indices, scaled, cv2.INTER_NEAREST_EXACT)
            if np.count_nonzero(crop == wanted) < self.min_class_pixels:
                return False
        return _largest_share(indices) <= self.max_class_share


def _largest_share(indices: NDArray[np.uint8]) -> float:
    # Half the time of np.bincount, which widens every pixel to 8 bytes.
    counts = cv2.calcHist([indices], [0], None, [IGNORE_INDEX], [0, IGNORE_INDEX])
    return float(counts.max() / max(counts.sum(dtype=np.float64), 1))


def _fit(pixels: NDArray[Any], scaled: tuple[int, ...], size: int, interpolation: int, fill: int) -> NDArray[Any]:
    resized = _resize(pixels, scaled, interpolation)
    height, width = resized.shape[:2]
    if (height, width) == (size, size):
        return resized
    canvas = np.full((size, size, *pixels.shape[2:]), fill, pixels.dtype)
    canvas[:height, :width] = resized
    return canvas


def _resize(pixels: NDArray[Any], scaled: tuple[int, ...], interpolation: int) -> NDArray[Any]:
    height, width = (max(1, part) for part in scaled)
    return cv2.resize(pixels, (width, height), interpolation=interpolation)
