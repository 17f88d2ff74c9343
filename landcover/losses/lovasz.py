"""A loss that stands for intersection over union."""

from __future__ import annotations

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError


@MODELS.register_module()
class LovaszSoftmax(nn.Module):
    """Convex extension of the Jaccard loss, averaged over the classes whose labels occur in the batch.

    Berman, Rannen Triki, Blaschko: The Lovasz-Softmax loss: a tractable surrogate for the optimization of the
    intersection-over-union measure in neural networks, CVPR 2018, https://arxiv.org/abs/1705.08790. The images of a
    batch are one set of pixels; a process of a distributed run sees its own batch only.

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
            probabilities = logits.softmax(dim=1).transpose(0, 1).flatten(1)  # (C, pixels)
            with torch.no_grad():
                slopes, constant = _linear_form(probabilities, label.reshape(-1), ignore_index)
            return self.loss_weight * ((probabilities * slopes).sum() + constant)


def _linear_form(probabilities: Tensor, label: Tensor, ignore_index: int) -> tuple[Tensor, Tensor]:
    """Slopes (C, P) and constant (scalar) such that the loss is sum(slopes * probabilities) + constant.

    Between two changes of the order of the errors the loss is linear in the probabilities. Differentiating this form
    gives the loss's gradient and keeps one array for it, where differentiating the sort keeps five.

    Args:
        probabilities: float (C, P).
        label: integers (P,).
        ignore_index: label of pixels to leave out.
    """
    classes = torch.arange(len(probabilities), device=label.device)
    is_class = label == classes[:, None]  # (C, P)
    errors = torch.where(is_class, 1 - probabilities, probabilities)
    # Ignored pixels sort behind all others, where they cannot change a slope.
    ignored = label == ignore_index
    order = _descending_order(errors.masked_fill(ignored, -1))
    steps = torch.empty_like(errors).scatter_(1, order, _jaccard_steps(is_class.gather(1, order), errors.dtype))
    steps.masked_fill_(ignored, 0)

    present = is_class.any(dim=1)
    steps *= (present / present.sum().clamp(min=1))[:, None]
    constant = (steps * is_class).sum()
    return torch.where(is_class, -steps, steps), constant


def _jaccard_steps(is_class: Tensor, dtype: torch.dtype) -> Tensor:
    """Growth of the Jaccard loss as pixels, worst first, join the set of mistakes: float (C, P).

    Args:
        is_class: bool (C, P), whether the pixel has this class, in descending order of the errors.
        dtype: of the result.
    """
    missed = is_class.cumsum(dim=1)
    total = missed[:, -1:]
    added = torch.arange(1, is_class.shape[1] + 1, device=is_class.device) - missed
    # Never 0 / 0: the first pixel is either of the class (total >= 1) or not (added >= 1).
    loss = 1 - (total - missed).to(dtype) / (total + added).to(dtype)
    return torch.diff(loss, dim=1, prepend=torch.zeros_like(loss[:, :1]))


def _descending_order(errors: Tensor) -> Tensor:
    """Indices int64 (C, P) that sort each row, largest first; ties in any order."""
    if errors.device.type == "cpu":
        # numpy's vectorised sort takes a third of torch's time (60 against 173 ms for 8 x 524,288 float32).
        return torch.from_numpy(np.argsort(errors.neg().numpy(), axis=1))
    return errors.argsort(dim=1, descending=True)
