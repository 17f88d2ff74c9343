"""Dense descriptor of orientations: what buildings, roads and fields look like to both sensors are their outlines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landcover.errors import InputError
from stage2_sar_seg.registration.area_matcher import AreaMatcher
from stage2_sar_seg.registration.correlation import normalized_cross_correlation
from stage2_sar_seg.registration.gradients import Gradient, optical_gradient, sar_gradient
from stage2_sar_seg.registration.matcher import MATCHERS


def orientation_channels(gradient: Gradient, orientations: int, smoothing: float, floor: float) -> NDArray[np.float32]:
    """Strength of every orientation at every pixel, float32 (orientations, H, W), of length at most 1 at each pixel.

    A gradient and its opposite count alike, because what is bright to one sensor may be dark to the other.

    Args:
        gradient: (2, H, W).
        orientations: number of channels, spread evenly over half a turn.
        smoothing: deviation in pixels of the Gaussian over each channel; 0 for none.
        floor: added to the length by which a pixel's strengths are divided, in means of that length: plain ground does
            not become as strong as an outline.
    """
    angles = np.arange(orientations) * np.pi / orientations
    along = np.stack([np.sin(angles), np.cos(angles)], axis=1).astype(np.float32)
    channels = np.abs(np.tensordot(along, gradient, axes=1))
    if smoothing > 0:
        channels = np.stack([cv2.GaussianBlur(channel, (0, 0), smoothing) for channel in channels])
    length = np.sqrt(np.einsum("khw,khw->hw", channels, channels))
    typical = float(length.sum()) / max(1, int(np.count_nonzero(length)))
    return channels / (length + max(floor * typical, float(np.finfo(np.float32).tiny)))


@MATCHERS.register_module(name="descriptor")
class DescriptorMatcher(AreaMatcher):
    """Normalised cross-correlation of orientation channels.

    After Ye, Bruzzone, Shan, Bovolo, Zhu: Fast and Robust Matching for Multimodal Remote Sensing Image Registration,
    IEEE Transactions on Geoscience and Remote Sensing 2019, https://doi.org/10.1109/TGRS.2019.2924684 (CFOG): channels
    of oriented gradients, smoothed, of equal length at every pixel, compared through Fourier transforms. Ours are
    cosines of the angle, the SAR gradient is one of ratios, the optical one that of the strongest colour, channels are
    not smoothed along the orientation, and the similarity is a correlation coefficient in place of the sum of squared
    differences. The defaults were chosen on demo scenes of seed 0.

    Args:
        patch: see `Matcher`.
        search: see `Matcher`.
        optical_scale: see `optical_gradient`.
        sar_scale: see `sar_gradient`; speckle needs a larger one where there are fewer looks.
        orientations: see `orientation_channels`.
        smoothing: likewise.
        floor: likewise.
    """

    def __init__(
        self,
        patch: int = 320,
        search: int = 32,
        optical_scale: float = 1.0,
        sar_scale: float = 1.0,
        orientations: int = 6,
        smoothing: float = 0.5,
        floor: float = 0.6,
    ) -> None:
        super().__init__(patch, search)
        if min(optical_scale, sar_scale) <= 0 or orientations < 2 or min(smoothing, floor) < 0:
            raise InputError(
                "descriptor: expected scales above 0, at least 2 orientations, smoothing and floor of at least 0, "
                f"found {optical_scale} and {sar_scale}, {orientations}, {smoothing} and {floor}; correct them"
            )
        self._scales = (optical_scale, sar_scale)
        self._orientations, self._smoothing, self._floor = orientations, smoothing, floor

    def settings(self) -> Mapping[str, Any]:
        """See `Matcher`."""
        return {
            "matcher": "descriptor",
            "patch": self.patch,
            "search": self.search,
            "optical_scale": self._scales[0],
            "sar_scale": self._scales[1],
            "orientations": self._orientations,
            "smoothing": self._smoothing,
            "floor": self._floor,
        }

    def heatmap(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Correlation coefficients in [-1, 1]; see `AreaMatcher`."""
        of_optical = self._described(optical_gradient(optical, self._scales[0]))
        of_sar = self._described(sar_gradient(sar, self._scales[1]))
        found: NDArray[np.float32] = normalized_cross_correlation(of_sar, of_optical)[0].numpy()
        return found

    def _described(self, gradient: Gradient) -> Tensor:
        channels = orientation_channels(gradient, self._orientations, self._smoothing, self._floor)
        return torch.from_numpy(channels)[None]
