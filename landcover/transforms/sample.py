"""What flows through a training pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.images.modality import Image, each, parts_of


@dataclass(frozen=True)
class Sample:
    """An image and, where it is labelled, its training indices.

    Args:
        image: (H, W) or (H, W, bands) SAR, (H, W, 3) RGB; of several modalities, a mapping to such arrays.
        indices: (H, W) uint8, 0..C-1 or `IGNORE_INDEX`; None for unlabelled images.
    """

    image: Image
    indices: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        for pixels in parts_of(self.image):
            if self.indices is not None and self.indices.shape != pixels.shape[:2]:
                raise ValueError(f"indices {self.indices.shape} do not lie on the image {pixels.shape[:2]}")

    @property
    def pixels(self) -> NDArray[Any]:
        """The image of a sample of one modality.

        Raises:
            InputError: there are several.
        """
        if isinstance(self.image, np.ndarray):
            return self.image
        raise InputError(
            f"augmentation of grey values: expected an image of one modality, found {' and '.join(self.image)}; "
            "name the modality that it changes, {'type': 'OnModality', 'modality': 'sar', 'transform': {...}}"
        )

    def moved(self, change: Callable[[NDArray[Any]], NDArray[Any]]) -> Sample:
        """The sample after image and indices were moved alike: pixels change their places, not their values."""
        return Sample(each(self.image, change), None if self.indices is None else change(self.indices))


class Transform(Protocol):
    """One step of a pipeline; it draws from `rng` alone, so a sample depends only on its own seed."""

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """A changed copy of `sample`."""
