"""ClassMix: objects of a source image pasted on a target image."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from landcover.classes import IGNORE_INDEX


@dataclass(frozen=True)
class Mix:
    """A mixed batch.

    Args:
        images: (B, bands, H, W) float.
        indices: (B, H, W) int64, 0..C-1 or `IGNORE_INDEX`.
        weights: (B, H, W) float, weight of each pixel's loss.
        pasted: (B, H, W) bool, pixels of the source image.
    """

    images: Tensor
    indices: Tensor
    weights: Tensor
    pasted: Tensor


def class_mix(
    source_images: Tensor,
    source_indices: Tensor,
    target_images: Tensor,
    target_indices: Tensor,
    target_weights: Tensor,
    num_classes: int,
    generators: Sequence[torch.Generator],
) -> Mix:
    """Pastes half of the classes of each source image, with their labels, on the target image of the same place.

    Olsson, Tranheden, Pinto, Svensson: ClassMix, WACV 2021, https://arxiv.org/abs/2007.07936; across domains as in
    Tranheden et al.: DACS, WACV 2021, https://arxiv.org/abs/2007.08702. Of n classes in the image, n / 2 rounded up
    are drawn. Classes are those of that one image, void is never pasted, and everything stays on the device.

    Args:
        source_images: (B, bands, H, W) float.
        source_indices: (B, H, W) int64, 0..C-1 or `IGNORE_INDEX`.
        target_images: (B, bands, H, W) float.
        target_indices: (B, H, W) int64 pseudo-labels.
        target_weights: (B,) float, weight of each target image; pasted pixels have weight 1.
        num_classes: C.
        generators: one for each image, on the CPU; see `draw_classes`.
    """
    pasted = draw_classes(source_indices, num_classes, generators)
    void = pasted.new_zeros((pasted.shape[0], 1))
    table = torch.cat([pasted, void], dim=1)
    lookup = source_indices.masked_fill(source_indices == IGNORE_INDEX, num_classes)
    mask = table.gather(1, lookup.flatten(1)).view_as(source_indices)
    return Mix(
        images=torch.where(mask[:, None], source_images, target_images),
        indices=torch.where(mask, source_indices, target_indices),
        weights=torch.where(mask, target_weights.new_ones(()), target_weights[:, None, None]),
        pasted=mask,
    )


def draw_classes(indices: Tensor, num_classes: int, generators: Sequence[torch.Generator]) -> Tensor:
    """(B, C) bool: half of the classes of each image, rounded up, drawn uniformly.

    Args:
        indices: (B, H, W) int64, 0..C-1 or `IGNORE_INDEX`.
        num_classes: C.
        generators: one for each image, on the CPU: C numbers are drawn from each.
    """
    batch = indices.shape[0]
    present = indices.new_zeros((batch, IGNORE_INDEX + 1), dtype=torch.bool)
    present.scatter_(1, indices.flatten(1), True)
    present = present[:, :num_classes]
    # Absent classes sort behind all present ones; the first half of the present ones in random order is drawn.
    ranks = torch.stack([torch.rand(num_classes, generator=generator) for generator in generators])
    order = ranks.to(indices.device, non_blocking=True).masked_fill(~present, 2.0).argsort(1).argsort(1)
    return present & (order < (present.sum(1, keepdim=True) + 1) // 2)
