"""Test-time views: scaled and flipped copies of an image whose predictions are averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Literal

import torch

Flip = Literal["none", "horizontal", "vertical", "both"]
FLIPS: tuple[Flip, ...] = ("none", "horizontal", "vertical", "both")

_FLIP_AXES: dict[Flip, list[int]] = {"none": [], "horizontal": [-1], "vertical": [-2], "both": [-2, -1]}


@dataclass(frozen=True)
class View:
    """One scale and one flip.

    Args:
        scale: factor on both sides of the image.
        flip: mirrored axes.
    """

    scale: float = 1.0
    flip: Flip = "none"

    def size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of the scaled image, at least 1."""
        return max(1, round(height * self.scale)), max(1, round(width * self.scale))

    @property
    def flips_rows(self) -> bool:
        """Whether the upper side comes to lie below."""
        return -2 in _FLIP_AXES[self.flip]

    @property
    def flips_columns(self) -> bool:
        """Whether the left side comes to lie on the right."""
        return -1 in _FLIP_AXES[self.flip]

    def mirror(self, tensor: torch.Tensor) -> torch.Tensor:
        """(..., H, W) mirrored as the view says; doing it twice gives the tensor back."""
        return tensor.flip(_FLIP_AXES[self.flip]) if self.flip != "none" else tensor


def make_views(scales: Sequence[float], flips: Sequence[Flip]) -> tuple[View, ...]:
    """Every scale with every flip, in order: each view occurs once, also if a scale or flip is named twice."""
    return tuple(dict.fromkeys(View(scale, flip) for scale, flip in product(scales, flips)))
