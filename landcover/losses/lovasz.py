"""A loss that stands for intersection over union."""

from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError

LEVELS = 2**14
"""Errors are rounded to this many values before they are put in order."""


@MODELS.register_module()
class LovaszSoftmax(nn.Module):
    """Convex extension of the Jaccard loss, averaged over the classes whose labels occur in the batch.

    Berman, Rannen Triki, Blaschko: The Lovasz-Softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks, CVPR 2018, https://arxiv.org/abs/1705.08790. The images of a
    batch are one set of pixels; a process of a distributed run sees its own batch only.

    Pixels whose errors differ by less than 1 / 16,383 count as equal, which makes the loss at most that much smaller
    than it is and spares the sort: a quarter of the time for 2 x 512 x 512 pixels of 8 classes on one core. In
    float32, steps of the loss between sorted pixels would be all rounding; here they are quotients of counts.

    Args:
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
    """

    def __init__(self, loss_weight: float = 1.0, loss_name: str = "loss_lovasz", ignore_index: int = 255) -> None:
        super().__init__()
        if "loss" not in loss_name:
            raise InputError(f"loss_name: expected a name that contains 'loss', found {loss_name!r}")
        self.loss_weight = loss_weight
        self.loss_name = loss_name
        self.ignore_index = ignore_index

    def forward(
        self,
        cls_score: Tensor,
        label: Tensor,
        weight: Tensor | None = None,
        avg_factor: float | None = None,
        ignore_index: int | None = None,
    ) -> Tensor:
        """Mean of the present classes' losses.

        Args:
            cls_score: logits (B, C, H, W), any float type; computed in float32, float64 stays float64.
            label: integers (B, H, W) in [0, C) or the ignore index.
            weight: must be None: the loss belongs to areas, not to pixels.
            avg_factor: must be None.
            ignore_index: replaces the constructor's, as mmseg's heads pass theirs.

        Returns:
            Scalar in [0, loss_weight]; 0 with a graph if every pixel is ignored.

        Raises:
            InputError: if `weight` or `avg_factor` is given.
        """
        if weight is not None or avg_factor is not None:
            raise InputError(
                f"{self.loss_name}: the Lovasz loss takes no pixel weights; use it on unweighted labels only"
            )
        ignore_index = self.ignore_index if ignore_index is None else ignore_index
        with torch.autocast(cls_score.device.type, enabled=False):
            logits = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
            probabilities = logits.softmax(dim=1)
            with torch.no_grad():
                slopes, constant = _linear_form(probabilities, label, ignore_index)
            return self.loss_weight * ((probabilities * slopes).sum() + constant)


def _linear_form(probabilities: Tensor, label: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Slopes (B, C, H, W) and constant (scalar) such that the loss is sum(slopes * probabilities) + constant.

    Between two changes of the order of the errors the loss is linear in the probabilities. Differentiating this form
    gives the loss's gradient and keeps one array for it. Pixels are not sorted but counted by their rounded
    probability: a pixel's slope depends only on how many pixels of the class, and how many others, have larger errors.

    Args:
        probabilities: float (B, C, H, W).
        label: integers (B, H, W).
        ignore_index: label of pixels to leave out.
    """
    classes, device = probabilities.shape[1], label.device
    valid = (label != ignore_index)[:, None]
    # One bin per class, kind of pixel (other classes', this class's) and rounded probability; the last takes the
    # ignored pixels.
    half = torch.full((), 0.5, dtype=probabilities.dtype, device=device)
    # Clamped, because what is not a number becomes any integer; the loss is not a number then, as it should be.
    bins = torch.add(half, probabilities, alpha=LEVELS - 1).to(torch.int32).clamp_(0, LEVELS - 1)
    bins += 2 * LEVELS * torch.arange(classes, device=device, dtype=torch.int32)[:, None, None]
    own = torch.where(valid, label[:, None], 0).long()
    bins.scatter_add_(1, own, torch.full_like(own, LEVELS, dtype=torch.int32))
    if not bool(valid.all()):
        bins.masked_fill_(~valid, 2 * LEVELS * classes)
    counts = torch.bincount(bins.flatten(), minlength=2 * LEVELS * classes + 1)[:-1].view(classes, 2, LEVELS)

    steps = _jaccard_steps(counts, probabilities.dtype)
    present = counts[:, 1].any(dim=1)
    steps *= (present / present.sum().clamp(min=1))[:, None, None]
    constant = (steps[:, 1] * counts[:, 1]).sum()
    steps[:, 1].neg_()
    table = torch.cat([steps.flatten(), steps.new_zeros(1)])
    return table.index_select(0, bins.flatten()).view_as(probabilities), constant


def _jaccard_steps(counts: Tensor, dtype: torch.dtype) -> Tensor:
    """Growth of the Jaccard loss per pixel of each bin as pixels, worst first, join the set of mistakes.

    Among equal errors the pixels of the class come first; each kind's pixels share their common growth.

    Args:
        counts: int64 (C, 2, LEVELS), numbers of other classes' and of the class's pixels by their probability.
        dtype: of the result.

    Returns:
        (C, 2, LEVELS), in bins without pixels a number without meaning.
    """
    # Both from the largest error on: it is the probability for other classes' pixels, one minus it for the class's.
    others, own = counts[:, 0].flip(1), counts[:, 1]
    added, missed = others.cumsum(1), own.cumsum(1)
    total = missed[:, -1:]
    # Before a bin the union is total + others added; it is never 0 for a bin with pixels.
    before = (total + added - others).clamp(min=1).to(dtype)
    of_own = 1 / before
    of_others = (total - missed).to(dtype) / (before * (total + added).clamp(min=1).to(dtype))
    return torch.stack([of_others.flip(1), of_own], dim=1)
