"""Grey values of the SAR images that a model was trained on, and how far those of another image lie outside of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.sar.units import Unit

PERCENTILES = (1, 50, 99)
"""Percentiles of the values that are kept: an image whose median lies outside of the first and the last is unlike."""

SAMPLES_PER_IMAGE = 2**16
"""Values of an image that its median is taken from, about."""


@dataclass(frozen=True)
class TrainingValues:
    """What the SAR files of a training hold.

    Args:
        bands: which bands were read, numbers from 1 or descriptions; empty for files of one band.
        dtype: type of the values as they were read, "uint8", "uint16" or "float32".
        percentiles: of every band, values with data at `PERCENTILES`, as in the files.
    """

    bands: tuple[int | str, ...]
    dtype: str
    percentiles: tuple[tuple[float, float, float], ...]

    @staticmethod
    def of(sample: NDArray[Any], bands: tuple[int | str, ...] = ()) -> TrainingValues:
        """Those of a sample (bands, N) of all pixels with data."""
        columns = np.percentile(sample, PERCENTILES, axis=1).T.tolist()
        return TrainingValues(bands, sample.dtype.name, tuple((low, middle, high) for low, middle, high in columns))

    @staticmethod
    def of_json(content: dict[str, Any]) -> TrainingValues:
        """What `dataclasses.asdict` made of it, after JSON."""
        percentiles = tuple((low, median, high) for low, median, high in content["percentiles"])
        return TrainingValues(tuple(content["bands"]), content["dtype"], percentiles)

    def differences(self, values: NDArray[Any], unit: Unit, model: str) -> str:
        """In what an image is unlike the training images, for its user; empty if it is like them.

        Args:
            values: (N,) of one band, (N, bands) of several: the pixels with data of an image, as read.
            unit: what they are.
            model: name of the model.
        """
        found = []
        if values.dtype != self.dtype:
            found.append(f"{values.dtype.name}, the training images of {model} are {self.dtype}")
        columns = values[:, None] if values.ndim == 1 else values
        sample = columns[:: len(columns) // SAMPLES_PER_IMAGE | 1]  # odd: not to keep to a few columns of the image
        if len(sample) and sample.shape[1] == len(self.percentiles):
            for name, band, known in zip(self._names(), sample.T, self.percentiles, strict=True):
                low, middle, high = known
                median = float(np.median(band))
                if not low <= median <= high:
                    found.append(
                        f"{name}median {_text(median)}, the training images of {model} have {_text(low)} to "
                        f"{_text(high)} (1 % to 99 %), median {_text(middle)}: {_distance(median, middle, unit)}"
                    )
        return "; ".join(found)

    def _names(self) -> Sequence[str]:
        """What is said in front of the values of every band."""
        if len(self.percentiles) == 1:
            return ("",)
        names = self.bands or range(1, len(self.percentiles) + 1)
        return [f"band {name}: " for name in names]


def _text(value: float) -> str:
    """A number of three digits, without an exponent as far as numbers of pixels go."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def _distance(median: float, middle: float, unit: Unit) -> str:
    """How far the median of an image lies from that of the training images, in words."""
    if unit == "decibel":
        return f"{abs(median - middle):.3g} dB {'above' if median > middle else 'below'} that"
    if middle <= 0 or median <= 0:
        return f"{_text(abs(median - middle))} {'above' if median > middle else 'below'} that"
    factor = median / middle
    return f"{_text(factor)} times that" if factor >= 1 else f"1/{_text(1 / factor)} of that"
