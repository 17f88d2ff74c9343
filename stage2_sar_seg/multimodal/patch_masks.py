"""Random patches that are hidden of one modality and seen in the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from landcover.errors import InputError


@dataclass(frozen=True)
class PatchMask:
    """How much of a modality is hidden, in patches of which size.

    Args:
        ratio: share of the patches, in [0, 1).
        patch: side of a patch, pixels.

    Raises:
        InputError: other numbers.
    """

    ratio: float
    patch: int

    def __post_init__(self) -> None:
        if not 0 <= self.ratio < 1:
            raise InputError(f"multimodal.masking: expected a ratio in [0, 1), found {self.ratio!r}; correct it")
        if type(self.patch) is not int or self.patch < 1:
            raise InputError(f"multimodal.masking: expected a patch of whole pixels, found {self.patch!r}; correct it")


class AsymmetricMasking:
    """Masks of both modalities of a pair: other ratios, other sizes, and no pixel is hidden in both.

    Each branch so has to tell what only the other one sees, which that one can teach it. The masks of DLLR (see
    `stage2_sar_seg.multimodal`) are not public; that they exclude each other, and that a share of the pairs stays
    whole, as images are in use, is our choice.

    Args:
        probability: share of the pairs that are masked at all, in [0, 1].
        modalities: arguments of `PatchMask`, by modality.

    Raises:
        InputError: ratios that leave no room for masks without a common pixel, or a probability that is none.
    """

    def __init__(self, probability: float, modalities: Mapping[str, Mapping[str, Any]]) -> None:
        masks = {name: PatchMask(**settings) for name, settings in modalities.items()}
        total = sum(mask.ratio for mask in masks.values())
        if total > 1:
            raise InputError(
                f"multimodal.masking: expected ratios with a sum of at most 1, found {total:g}; no pixel is hidden in "
                "both modalities, so lower one of them"
            )
        if not 0 <= probability <= 1:
            raise InputError(f"multimodal.masking.probability: expected 0 to 1, found {probability!r}; correct it")
        self.probability = probability
        # Large patches find no room between small ones.
        self._masks = dict(sorted(masks.items(), key=lambda item: -item[1].patch))
        self.hides = probability > 0 and total > 0

    def draw(self, height: int, width: int, generators: Sequence[torch.Generator]) -> dict[str, Tensor]:
        """Where each modality is hidden, bool (B, height, width) on the CPU.

        Args:
            height: of the images, pixels.
            width: likewise.
            generators: one for each pair, on the CPU.
        """
        pairs = [self._draw_pair(height, width, generator) for generator in generators]
        return {name: torch.stack([pair[name] for pair in pairs]) for name in self._masks}

    def _draw_pair(self, height: int, width: int, generator: torch.Generator) -> dict[str, Tensor]:
        taken = torch.zeros(height, width, dtype=torch.bool)
        if torch.rand((), generator=generator) >= self.probability:
            return dict.fromkeys(self._masks, taken)
        drawn = {}
        for name, mask in self._masks.items():
            drawn[name] = hidden_patches(taken, mask, generator)
            taken = taken | drawn[name]
        return drawn


def hidden_patches(taken: Tensor, mask: PatchMask, generator: torch.Generator) -> Tensor:
    """Random patches, bool (H, W), that touch no pixel of `taken`: the ratio of all, or all that are free if fewer are.

    Args:
        taken: bool (H, W).
        mask: ratio and size.
        generator: of the draw.
    """
    size = mask.patch
    height, width = taken.shape
    covered = F.pad(taken.float()[None], (0, -width % size, 0, -height % size))
    free = F.max_pool2d(covered, size)[0] == 0
    places = free.flatten().nonzero()[:, 0]
    chosen = places[torch.randperm(len(places), generator=generator)[: round(mask.ratio * free.numel())]]
    hidden = torch.zeros(free.numel(), dtype=torch.bool)
    hidden[chosen] = True
    patches = hidden.view(free.shape).repeat_interleave(size, 0).repeat_interleave(size, 1)
    return patches[:height, :width]
