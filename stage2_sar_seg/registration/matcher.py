"""What a matcher of SAR and optical images is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from mmengine.registry import Registry
from numpy.typing import NDArray

MATCHERS = Registry("matcher")
"""Matchers without weights of their own, by the name that a profile gives."""


@dataclass(frozen=True)
class Correspondences:
    """Points of a SAR patch and where a matcher found them in the optical window.

    Args:
        sar: float64 (M, 2), row and column in the SAR patch, pixels; the centre of the first pixel is (0, 0).
        optical: float64 (M, 2), the same points in the optical window.
        confidence: float64 (M,), in [0, 1]; comparable within one matcher.
    """

    sar: NDArray[np.float64]
    optical: NDArray[np.float64]
    confidence: NDArray[np.float64]

    def __post_init__(self) -> None:
        count = len(self.confidence)
        if self.sar.shape != (count, 2) or self.optical.shape != (count, 2) or self.confidence.shape != (count,):
            raise ValueError(
                f"expected (M, 2), (M, 2) and (M,), found {self.sar.shape}, {self.optical.shape} and "
                f"{self.confidence.shape}"
            )


class Matcher(Protocol):
    """Finds points of a SAR patch in an optical window; `MATCHERS` and matchers of model files build these.

    An area matcher gives one point, the centre of the patch; a point matcher as many as it finds, none included.

    Attributes:
        patch: side of the SAR patch that it is made for, pixels.
        search: largest offset that it looks for, pixels in every direction; the window has `patch + 2 * search`.
    """

    patch: int
    search: int

    def settings(self) -> Mapping[str, Any]:
        """What decides over the result beside the images, as JSON values for the manifest."""

    def match(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> Correspondences:
        """Correspondences of one pair.

        Args:
            sar: float32 (h, w), normalised to mean 0 and deviation 1 over the pixels with data, 0 elsewhere; sides may
                be smaller than `patch` where the tile is.
            optical: float32 (3, H, W) red, green, blue, normalised likewise; H >= h and W >= w, the same centre.

        Returns:
            Points; without any misregistration they differ by ((H - h) / 2, (W - w) / 2).
        """
