"""Dense descriptor of orientations: what buildings, roads and fields look like to both sensors are their outlines."""

from __future__ import annotations

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from landcover.errors import InputError
from stage2_sar_seg.registration.correlation import normalized_cross_correlation
from stage2_sar_seg.registration.gradient_matcher import GradientMatcher
from stage2_sar_seg.registration.gradients import Gradient
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
class DescriptorMatcher(GradientMatcher):
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
        if orientations < 2:
            raise InputError(f"descriptor: orientations: expected at least 2, found {orientations}; correct it")
        self._orientations, self._smoothing, self._floor = orientations, smoothing, floor
        channels = {"orientations": orientations, "smoothing": smoothing, "floor": floor}
        super().__init__("descriptor", patch, search, optical_scale, sar_scale, **channels)

    def heatmap(self, sar: NDArray[np.float32], optical: NDArray[np.float32]) -> NDArray[np.float32]:
        """Correlation coefficients in [-1, 1]; see `AreaMatcher`."""
        template, window = (self._described(gradient) for gradient in self.gradients(sar, optical))
        found: NDArray[np.float32] = normalized_cross_correlation(template, window)[0].numpy()
        return found

    def _described(self, gradient: Gradient) -> Tensor:
        channels = orientation_channels(gradient, self._orientations, self._smoothing, self._floor)
        return torch.from_numpy(channels)[None]
