"""Colour jitter and blur of mixed images, on the device."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torchvision.transforms.v2 import functional

WHITE = 255.0

FACTORS = (functional.adjust_brightness, functional.adjust_contrast, functional.adjust_saturation)


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

    def __call__(self, images: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """(B, 3, H, W) float of 0..255, augmented.

        Args:
            images: (B, 3, H, W) float of 0..255, left as they are.
            generators: one for each image, on the CPU, where all draws are made.
        """
        # Autocast would blur in its few bits.
        with torch.autocast(images.device.type, enabled=False):
            return torch.stack([self._augment(*pair) for pair in zip(images, generators, strict=True)])

    def _augment(self, image: Tensor, generator: torch.Generator) -> Tensor:
        if torch.rand((), generator=generator) < self.jitter_probability:
            image = self._jitter(image.div(WHITE).clamp(0, 1), generator) * WHITE
        if torch.rand((), generator=generator) < self.blur_probability:
            low, high = self.blur_sigma
            sigma = low + float(torch.rand((), generator=generator)) * (high - low)
            # Three standard deviations to each side hold 99.7% of the kernel.
            side = 2 * max(1, round(3 * sigma)) + 1
            image = functional.gaussian_blur(image, [side, side], [sigma, sigma])
        return image

    def _jitter(self, image: Tensor, generator: torch.Generator) -> Tensor:
        """Brightness, contrast, saturation and hue of an image of 0..1, changed in random order."""
        changes = (2 * torch.rand(4, generator=generator) - 1) * self.jitter_strength
        for index in torch.randperm(4, generator=generator).tolist():
            change = float(changes[index])
            if index == 3:
                # The limit of hue is 0.5, a full turn of the colour circle in both directions.
                image = functional.adjust_hue(image, max(-0.5, min(0.5, change)))
            else:
                image = FACTORS[index](image, 1.0 + change)
        return image
