"""Which class and which tile a training sample is drawn for, so that rare classes are seen often."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from numbers import Real

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError


@dataclass(frozen=True)
class RareClassSettings:
    """Settings of `RareClassSampling`.

    Args:
        temperature: T > 0; the smaller, the more the rarest classes are preferred.
        min_pixels: pixels >= 1 of the drawn class that its tile must hold, and the crop after scaling.

    Raises:
        InputError: a value out of its range.
    """

    temperature: float
    min_pixels: int

    def __post_init__(self) -> None:
        number = isinstance(self.temperature, Real) and not isinstance(self.temperature, bool)
        if not number or not 0 < self.temperature < math.inf:
            raise InputError(
                f"rare_classes.temperature: expected a number above 0, found {self.temperature!r}; "
                "the paper's is 0.01, larger ones are more even"
            )
        if not isinstance(self.min_pixels, int) or isinstance(self.min_pixels, bool) or self.min_pixels < 1:
            raise InputError(
                f"rare_classes.min_pixels: expected a whole number of at least 1, found {self.min_pixels!r}; "
                "the paper's is 3000, for crops of 512 pixels"
            )

    @classmethod
    def from_config(cls, settings: object) -> RareClassSettings:
        """The settings of a config's value `rare_classes`.

        Raises:
            InputError: not exactly the known keys, or a value out of its range.
        """
        known = [field.name for field in fields(cls)]
        if not isinstance(settings, Mapping) or set(settings) != set(known):
            found = dict(settings) if isinstance(settings, Mapping) else settings
            raise InputError(
                f"rare_classes: expected None or a dict with keys {' and '.join(known)}, found {found!r}; "
                "correct the config or option"
            )
        return cls(**settings)


class RareClassSampling:
    r"""Draws a class, the rarer the more often, and a tile that shows it.

    With :math:`f_c` the share of class c in the labelled pixels of all tiles,

    .. math:: P(c) = \frac{\exp((1 - f_c) / T)}{\sum_{c'} \exp((1 - f_{c'}) / T)}

    over the classes that occur; the tile is uniform among those with enough pixels of the class, or among those with
    any if none has enough.

    Hoyer, Dai, Van Gool: DAFormer, CVPR 2022, https://arxiv.org/abs/2111.14887, section 3.2, equations (6) and (7).
    Void pixels count neither as a class nor in the shares. The authors' code is content with half of `min_pixels` in
    the crop; here tile and crop follow one number.

    Args:
        counts: int64 (tiles, C), pixels of every class in every tile.
        settings: temperature and pixels that are enough.

    Attributes:
        probabilities: float64 (C,), P(c); 0 for classes that do not occur.

    Raises:
        InputError: no tile has a labelled pixel.
    """

    def __init__(self, counts: NDArray[np.int64], settings: RareClassSettings) -> None:
        total = counts.sum(axis=0)
        occurs = total > 0
        if not occurs.any():
            raise InputError(
                f"rare_classes: expected labelled pixels in the {len(counts)} training tiles, found only void (0); "
                "check the label files"
            )
        frequency = total / total.sum()
        # Relative to the rarest class, so that no temperature overflows.
        relative = np.zeros(len(total))
        relative[occurs] = np.exp((frequency[occurs].min() - frequency[occurs]) / settings.temperature)
        self.probabilities: NDArray[np.float64] = relative / relative.sum()
        self._tiles = [_tiles_to_draw(column, settings.min_pixels) for column in counts.T]

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Position of a tile, and the index 0..C-1 of the class that it is drawn for."""
        wanted = int(rng.choice(len(self.probabilities), p=self.probabilities))
        return int(rng.choice(self._tiles[wanted])), wanted


def _tiles_to_draw(pixels: NDArray[np.int64], min_pixels: int) -> NDArray[np.int64]:
    """Positions of the tiles with enough of the (tiles,) pixels of one class, or with any if none has enough."""
    enough = np.flatnonzero(pixels >= min_pixels)
    return enough if enough.size else np.flatnonzero(pixels)
