"""Gradients of optical and SAR images that two so different images have in common."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Gradient = NDArray[np.float32]
"""(2, H, W) change per pixel along rows and along columns."""

FLOOR = 0.05
"""What is added to the amplitude before ratios are taken, in its deviations: edges in black are mostly noise."""

REACH = 3.0
"""Distance in scales within which a gradient still sees a pixel."""


def optical_gradient(optical: NDArray[np.float32], scale: float) -> Gradient:
    """Gradient of the colour that changes most at every pixel; 0 near pixels without data.

    Args:
        optical: float32 (3, H, W), 0 in all colours where there is no data.
        scale: deviation in pixels of the Gaussian that smooths before differences are taken, > 0.
    """
    gradient, strongest = np.zeros((2, *optical.shape[1:]), np.float32), np.zeros(optical.shape[1:], np.float32)
    for colour in optical:
        changes = _differences(_smoothed(colour, scale))
        strength = np.square(changes[0]) + np.square(changes[1])
        np.copyto(gradient, changes, where=strength > strongest)
        np.maximum(strongest, strength, out=strongest)
    return _away_from_gaps(gradient, (optical == 0).all(axis=0), scale)


def sar_gradient(sar: NDArray[np.float32], scale: float) -> Gradient:
    """Gradient of the logarithm of the smoothed amplitude; 0 near pixels without data.

    Speckle multiplies: in bright areas differences are large without any edge. Ratios of local means have the same rate
    of false edges everywhere (Touzi, Lopes, Bousquet: A Statistical and Geometrical Edge Detector for SAR Images, IEEE
    Transactions on Geoscience and Remote Sensing 1988, https://doi.org/10.1109/36.7708); the gradient of the logarithm
    of means is such a ratio. Amplitude 0 is taken to be the darkest pixel of the patch.

    Args:
        sar: float32 (H, W), amplitudes of mean 0 and deviation 1, 0 where there is no data.
        scale: see `optical_gradient`.
    """
    amplitude = _smoothed(sar - sar.min(), scale) + FLOOR
    return _away_from_gaps(_differences(np.log(amplitude)), sar == 0, scale)


def _smoothed(image: NDArray[np.float32], scale: float) -> NDArray[np.float32]:
    smooth: NDArray[np.float32] = cv2.GaussianBlur(image, (0, 0), scale, borderType=cv2.BORDER_REFLECT)
    return smooth


def _differences(image: NDArray[np.float32]) -> Gradient:
    padded = np.pad(image, 1, mode="edge")
    gradient: Gradient = np.stack([padded[2:, 1:-1] - padded[:-2, 1:-1], padded[1:-1, 2:] - padded[1:-1, :-2]])
    gradient *= 0.5
    return gradient


def _away_from_gaps(gradient: Gradient, missing: NDArray[np.bool_], scale: float) -> Gradient:
    if missing.any():
        # single pixels can be 0 by chance: of regions alone, a border makes an edge that is none
        regions = cv2.morphologyEx(missing.astype(np.uint8), cv2.MORPH_OPEN, np.ones((3, 3), np.uint8))
        side = 2 * round(REACH * scale) + 1
        gradient[:, cv2.dilate(regions, np.ones((side, side), np.uint8)) > 0] = 0
    return gradient
