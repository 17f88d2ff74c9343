"""Matchers that compare whole patches: one similarity for every offset that they look for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.errors import InputError
from stage2_sar_seg.registration.heatmap import find_peak
from stage2_sar_seg.registration.matcher import Correspondences

SMALLEST_PATCH = 32
"""Side in pixels below which a patch holds too little to compare."""


class AreaMatcher(ABC):
    """A matcher that gives a heatmap; its correspondence is the peak of that.

    Heatmaps of the patches of a tile add up, see `stage2_sar_seg.registration.tile_offset`.

    Args:
        patch: see `Matcher`.
        search: see `Matcher`.

    Raises:
        InputError: they are no sizes.
    """

    def __init__(self, patch: int, search: int) -> None:
        if patch < SMALLEST_PATCH or search < 1:
            raise InputError(
                f"patch and search of a matcher: expected at least {SMALLEST_PATCH} and 1 pixels, found {patch} and "
                f"{search}; correct them"
            )
        self.patch, self.search = patch, search

    @abstractmethod
    def settings(self) -> Mapping[str, Any]:
        """See `Matcher`."""

    @abstractmethod
    def heatmap(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Similarity for every place of the patch in the window, larger is more similar, float32, finite.

        Args:
            sar: (h, w), see `Matcher.match`.
            optical: (3, H, W), likewise.

        Returns:
            (H - h + 1, W - w + 1); comparable between patches of any size, so that their sum makes sense.
        """

    def match(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> Correspondences:
        """The centre of the patch and where the heatmap is highest; see `Matcher`."""
        peak = find_peak(self.heatmap(sar, optical))
        centre = (np.array([sar.shape], dtype=np.float64) - 1) / 2
        place = np.array([[peak.row, peak.column]])
        return Correspondences(centre, centre + place, np.array([peak.confidence]))
