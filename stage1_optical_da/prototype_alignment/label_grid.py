"""Labels at the size of feature maps."""

from __future__ import annotations

import torch
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.errors import InputError


def labels_on_grid(indices: Tensor, size: tuple[int, int], num_classes: int, least_share: float) -> Tensor:
    """(B, h, w) int64: the most frequent class of every cell, `IGNORE_INDEX` where its share is too small.

    Ignored pixels count against every class. Of classes with the same share the first is taken.

    Args:
        indices: (B, H, W) int64, 0..C-1 or `IGNORE_INDEX`.
        size: h, w, which divide H and W.
        num_classes: C.
        least_share: of the cell's pixels, in (0, 1].

    Raises:
        InputError: a size that does not divide that of the labels.
    """
    batch, *full = indices.shape
    (down, rest_down), (right, rest_right) = (divmod(a, b) for a, b in zip(full, size, strict=True))
    if rest_down or rest_right:
        raise InputError(
            f"GaussianPrototypeAlignment: expected features whose size divides {full[0]} x {full[1]}, that of the "
            f"images, found {size[0]} x {size[1]}; choose another layer or crop_size"
        )
    cells = indices.reshape(batch, size[0], down, size[1], right).transpose(2, 3).reshape(-1, down * right)
    counts = indices.new_zeros((len(cells), num_classes + 1), dtype=torch.int32)
    ones = counts.new_ones(()).expand(cells.shape)
    counts.scatter_add_(1, cells.masked_fill(cells == IGNORE_INDEX, num_classes), ones)
    most, classes = counts[:, :num_classes].max(1)
    return classes.masked_fill_(most < least_share * down * right, IGNORE_INDEX).view(batch, *size)
