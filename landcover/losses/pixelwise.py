"""What the losses that belong to single pixels share."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.processes.group import mean_over_processes

LEAST_COUNT = 1e-3
"""Divides the sum of a batch without valid pixels, which is 0: below any mean over fewer than a thousand processes, and
large enough that its inverse stays finite times any weight and loss scale, for infinity times 0 is no gradient."""


class PixelwiseLoss(nn.Module):
    """Mean of a loss over valid pixels; a subclass gives the loss of each pixel.

    Args:
        class_weight: positive factors of the pixels of each class, one per class, or None. The mean still divides by
            the number of valid pixels; `landcover.losses.class_balance` makes weights whose mean over pixels is 1. They
            follow the device of the module and are not part of its state dict.
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".

    Raises:
        InputError: a class weight that is not positive, a name without "loss".
    """

    class_weight: Tensor | None

    def __init__(
        self, class_weight: Sequence[float] | None, ignore_index: int, loss_weight: float, loss_name: str
    ) -> None:
        super().__init__()
        if "loss" not in loss_name:
            raise InputError(f"loss_name: expected a name that contains 'loss', found {loss_name!r}")
        if class_weight is not None and not all(0 < weight < math.inf for weight in class_weight):
            raise InputError(
                f"{loss_name}: expected positive numbers as class_weight, found {list(class_weight)}; correct them"
            )
        factors = None if class_weight is None else torch.tensor(list(class_weight), dtype=torch.float32)
        self.register_buffer("class_weight", factors, persistent=False)
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

    def pixel_losses(self, logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
        """Loss of every pixel, (B, H, W) in the type of `logits`; 0 without gradient where the label is ignored.

        Args:
            logits: float32 or float64 (B, C, H, W).
            label: int64 (B, H, W) in [0, C) or the ignore index.
            ignore_index: label of pixels without supervision.
        """
        raise NotImplementedError

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Mean loss of the valid pixels.

        While several processes train, it is this process's sum divided by their mean number of valid pixels: averaged
        over processes, as gradients are, that is the mean over all valid pixels, however they are spread.

        Args:
            cls_score: logits (B, C, H, W), any float type; reduced in float32, float64 stays float64.
            label: integers (B, H, W) in [0, C) or the ignore index.
            weight: optional factors of the pixels (B, H, W). The mean still divides by the number of valid pixels, not
                by the sum of the weights: a batch of weight 0.1 counts a tenth.
            avg_factor: divides the sum instead of the number of valid pixels.
            ignore_index: replaces the constructor's, as mmseg's heads pass theirs.

        Returns:
            Scalar; 0 with a graph if every pixel is ignored.

        Raises:
            InputError: `class_weight` is not of C classes.
        """
        ignore_index = self.ignore_index if ignore_index is None else ignore_index
        with torch.autocast(cls_score.device.type, enabled=False):
            logits = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
            label = label.long()
            valid = label != ignore_index
            loss = self.pixel_losses(logits, label, ignore_index)
            if self.class_weight is not None:
                loss = loss * self._weights_of_classes(logits.shape[1])[torch.where(valid, label, 0)]
            if weight is not None:
                loss = loss * weight
            if avg_factor is not None:
                return self.loss_weight * loss.sum() / avg_factor
            count = mean_over_processes(valid.sum().float())
            return self.loss_weight * loss.sum() / count.clamp(min=LEAST_COUNT)

    def _weights_of_classes(self, classes: int) -> Tensor:
        assert self.class_weight is not None, "asked for only where there are weights"
        if len(self.class_weight) != classes:
            raise InputError(
                f"{self.loss_name}: expected a class_weight for each of {classes} classes, "
                f"found {len(self.class_weight)}; correct the config"
            )
        return self.class_weight
