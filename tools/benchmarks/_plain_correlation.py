"""Normalised cross-correlation as it is defined, place by place: what ours is compared with."""

from __future__ import annotations

import torch
from torch import Tensor


def direct_sum(template: Tensor, window: Tensor) -> Tensor:
    """Correlation coefficient for every place, in the type of the input; see `normalized_cross_correlation`.

    Args:
        template: (N, C, h, w), float.
        window: (N, C, H, W), float.

    Returns:
        (N, H - h + 1, W - w + 1); 0 where template or place is constant.
    """
    height, width = template.shape[-2:]
    centred = template - template.mean(dim=(2, 3), keepdim=True)
    length = centred.square().sum(dim=(1, 2, 3)).sqrt()
    places = window.unfold(2, height, 1).unfold(3, width, 1)
    rows, columns = places.shape[2:4]
    result = window.new_zeros(len(window), rows, columns)
    for row in range(rows):
        for column in range(columns):
            place = places[:, :, row, column]
            place = place - place.mean(dim=(2, 3), keepdim=True)
            scale = length * place.square().sum(dim=(1, 2, 3)).sqrt()
            product = (centred * place).sum(dim=(1, 2, 3))
            result[:, row, column] = torch.where(scale > 0, product / scale, 0.0)
    return result
