"""Colour jitter and blur of mixed images, on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

WHITE = 255.0


@dataclass(frozen=True)
class StrongAugmentation:
    """Random colour jitter and Gaussian blur, drawn per image.

    The settings of DACS (https://arxiv.org/abs/2007.08702) as used by Liu et al. 2025.

    Args:
        jitter_probability: share of images with colour jitter.
        jitter_strength: range of brightness, contrast, saturation and hue changes.
        blur_probability: share of images that are blurred.
        blur_sigma: range of the blur's standard deviation, pixels.
    """

    jitter_probability: float = 0.2
    jitter_strength: float = 0.2
    blur_probability: float = 0.5
    blur_sigma: tuple[float, float] = (0.15, 1.15)

    def __call__(self, images: Tensor) -> Tensor:
        """(B, 3, H, W) float of 0..255, augmented; drawn from torch's global generator."""
        return torch.stack([self._augment(image) for image in images])

    def _augment(self, image: Tensor) -> Tensor:
        if torch.rand(()) < self.jitter_probability:
            # The limit of hue is 0.5, a full turn of the colour circle in both directions.
            hue = min(self.jitter_strength, 0.5)
            jitter = v2.ColorJitter(self.jitter_strength, self.jitter_strength, self.jitter_strength, hue)
            image = jitter(image.div(WHITE).clamp(0, 1)) * WHITE
        if torch.rand(()) < self.blur_probability:
            low, high = self.blur_sigma
            sigma = low + float(torch.rand(())) * (high - low)
            # Three standard deviations to each side hold 99.7% of the kernel.
            side = 2 * max(1, round(3 * sigma)) + 1
            image = functional.gaussian_blur(image, [side, side], [sigma, sigma])
        return image
