"""What transforms of SAR grey values share: a random factor on the intensity of some samples."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.sar.units import Unit, declared_unit, multiply_intensity
from landcover.transforms.sample import Sample


class RandomIntensity(ABC):
    """Multiplies the intensity of a share of the samples; which ones is drawn first, then the factor.

    Args:
        probability: share of the samples that are changed.
        unit: what the images hold; integers are rounded and end at the limits of their type, zeros stay zeros.

    Raises:
        InputError: a probability outside of 0..1.
    """

    def __init__(self, probability: float, unit: Unit) -> None:
        if not 0 <= probability <= 1:
            raise InputError(
                f"augmentation {type(self).__name__}: expected a probability of 0 to 1, found {probability}; correct it"
            )
        self.probability, self.unit = probability, unit

    def __call__(self, sample: Sample, rng: np.random.Generator) -> Sample:
        """The sample with another intensity, or as it is.

        Raises:
            InputError: images that can not hold the unit.
        """
        unit = declared_unit(self.unit, sample.pixels.dtype)
        if rng.random() >= self.probability:
            return sample
        factor = self._factor(sample.pixels, rng)
        return Sample(multiply_intensity(sample.pixels, factor, unit), sample.indices)

    @abstractmethod
    def _factor(self, image: NDArray[Any], rng: np.random.Generator) -> NDArray[np.float32] | float:
        """A factor > 0, one number or one of every value, drawn for an image (H, W) or (H, W, bands)."""
