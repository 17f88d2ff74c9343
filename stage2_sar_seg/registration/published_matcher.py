"""Published point matchers, which see pictures and speak of x and y, as matchers of ours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from stage2_sar_seg.registration.matcher import Correspondences

CONTRAST = 3.0
"""Deviations from the mean that become black and white."""


class PublishedMatcher(ABC):
    """A point matcher around one that others have published; code and weights are the user's.

    Args:
        name: of the matcher and its weights, for the manifest: labels of other weights are other labels.
        patch: see `Matcher`.
        search: see `Matcher`; offsets beyond it are not applied.
    """

    def __init__(self, name: str, patch: int = 512, search: int = 32) -> None:
        self.name, self.patch, self.search = name, patch, search

    @abstractmethod
    def find(self, sar: Tensor, optical: Tensor) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Points of the SAR picture and the same points in the optical one, each (M, 2), x and y in pixels.

        So do `matched_kpts0` and `matched_kpts1` of the package image-matching-models hold them.

        Args:
            sar: float32 (3, h, w) in [0, 1], three equal bands.
            optical: float32 (3, H, W) in [0, 1].
        """

    def settings(self) -> Mapping[str, Any]:
        """See `Matcher`."""
        return {"matcher": self.name, "patch": self.patch, "search": self.search, "contrast": CONTRAST}

    def match(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> Correspondences:
        """All points that lie in both images, of equal confidence; see `Matcher`.

        Dense matchers draw which of their points they give: equal pairs get equal draws.
        """
        with torch.random.fork_rng(), torch.inference_mode():
            torch.manual_seed(0)
            found = self.find(_picture(np.stack([sar] * 3)), _picture(optical))
        points, places = (np.asarray(xy, dtype=np.float64).reshape(-1, 2)[:, ::-1] for xy in found)
        inside = _inside(points, sar.shape) & _inside(places, optical.shape[1:])
        return Correspondences(points[inside], places[inside], np.ones(int(inside.sum())))


def _picture(image: NDArray[np.float32]) -> Tensor:
    return torch.from_numpy((0.5 + image / (2 * CONTRAST)).clip(0, 1).astype(np.float32))


def _inside(points: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Whether points lie on the pixels of an image of this shape; NaN does not."""
    inside = (points >= -0.5) & (points <= np.array(shape) - 0.5)
    return inside[:, 0] & inside[:, 1]
