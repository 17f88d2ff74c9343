"""What flows through a training pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Sample:
    """An image and, where it is labelled, its training indices.

    Args:
        image: (H, W) SAR or (H, W, 3) RGB.
        indices: (H, W) uint8, 0..C-1 or `IGNORE_INDEX`; None for unlabelled images.
    """

    image: NDArray[Any]
    indices: NDArray[np.uint8] | None = None

    def __post_init__(self) -> None:
        if self.indices is not None and self.indices.shape != self.image.shape[:2]:
            raise ValueError(f"indices {self.indices.shape} do not lie on the image {self.image.shape[:2]}")


class Transform(Protocol):
    """One step of a pipeline; it draws from `rng` alone, so a sample depends only on its own seed."""

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """A changed copy of `sample`."""
