"""Cross-entropy for labels that are partly wrong."""

from __future__ import annotations

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn
from torch.nn import functional as F

from landcover.errors import InputError
from landcover.processes import mean_over_processes


@MODELS.register_module()
class SymmetricCrossEntropy(nn.Module):
    r"""Cross-entropy plus its reverse, for labels that are partly wrong.

    Per valid pixel, with predicted probabilities :math:`p` and label class :math:`y`,

    .. math:: \ell = -\alpha \log p_y - \beta A (1 - p_y), \qquad A < 0.

    The second term is the cross-entropy of the label under the prediction, where :math:`\log 0` in the one-hot label is
    replaced by :math:`A`. It is bounded by :math:`-\beta A`, so that one wrong pixel cannot dominate.

    Wang, Ma, Chen, Luo, Yi, Bailey: Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019,
    https://arxiv.org/abs/1908.06112. We average over valid pixels only. `alpha=1, beta=0` is plain cross-entropy.

    Args:
        alpha: weight of the cross-entropy, >= 0.
        beta: weight of the reverse term, >= 0.
        log_zero: the paper's A, < 0; -4 is about log(0.018).
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".
    """

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        log_zero: float = -4.0,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = "loss_sce",
    ) -> None:
        super().__init__()
        if alpha < 0 or beta < 0 or log_zero >= 0:
            raise InputError(
                f"{loss_name}: expected alpha >= 0, beta >= 0 and log_zero < 0, found {alpha}, {beta} and {log_zero}"
            )
        if "loss" not in loss_name:
            raise InputError(f"loss_name: expected a name that contains 'loss', found {loss_name!r}")
        self.alpha = alpha
        self.beta = beta
        self.log_zero = log_zero
        self.ignore_index = ignore_index
        self.loss_weight = loss_weight
        self.loss_name = loss_name

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
        """
        ignore_index = self.ignore_index if ignore_index is None else ignore_index
        with torch.autocast(cls_score.device.type, enabled=False):
            logits = cls_score if cls_score.dtype == torch.float64 else cls_score.float()
            label = label.long()
            # Ignored pixels get 0 and no gradient here, hence p_y = 1 and a reverse term of 0 as well.
            cross_entropy = F.cross_entropy(logits, label, reduction="none", ignore_index=ignore_index)
            loss = self.alpha * cross_entropy
            if self.beta:
                loss = loss + self.beta * self.log_zero * torch.expm1(-cross_entropy)
            if weight is not None:
                loss = loss * weight
            if avg_factor is not None:
                return self.loss_weight * loss.sum() / avg_factor
            count = mean_over_processes((label != ignore_index).sum().float())
            return self.loss_weight * loss.sum() / count.clamp(min=torch.finfo(torch.float32).tiny)
