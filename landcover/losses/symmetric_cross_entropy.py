"""Cross-entropy for labels that are partly wrong."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from landcover.errors import InputError
from landcover.losses.pixelwise import PixelwiseLoss
from landcover.losses.soft_borders import class_shares


@MODELS.register_module()
class SymmetricCrossEntropy(PixelwiseLoss):
    r"""Cross-entropy plus its reverse, for labels that are partly wrong.

    Per valid pixel, with predicted probabilities :math:`p` and label class :math:`y`,

    .. math:: \ell = -\alpha \log p_y - \beta A (1 - p_y), \qquad A < 0.

    The second term is the cross-entropy of the label under the prediction, where :math:`\log 0` in the one-hot label is
    replaced by :math:`A`. It is bounded by :math:`-\beta A`, so that one wrong pixel cannot dominate.

    Wang, Ma, Chen, Luo, Yi, Bailey: Symmetric Cross Entropy for Robust Learning with Noisy Labels, ICCV 2019,
    https://arxiv.org/abs/1908.06112. We average over valid pixels only. `alpha=1, beta=0` is plain cross-entropy;
    `alpha=0` is the reverse term alone, and with `log_zero=-2` that is the absolute error
    :math:`\sum_k |p_k - [k = y]| = 2 (1 - p_y)`.

    With `border` > 0 the target of a pixel is the share :math:`q_c` of each class around it (`class_shares`), and the
    loss is the mean of the above over :math:`y \sim q`, which is linear in q and the same for one class alone:

    .. math:: \ell = -\alpha \sum_c q_c \log p_c - \beta A (1 - \sum_c q_c p_c).

    Args:
        alpha: weight of the cross-entropy, >= 0.
        beta: weight of the reverse term, >= 0.
        log_zero: the paper's A, < 0; -4 is about log(0.018).
        class_weight: see `PixelwiseLoss`; of the pixel's own class.
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".
        border: radius in pixels of the window whose labels are a pixel's target; 0 is the pixel's own label alone.
    """

    def __init__(
        self,
        alpha: float = 1.0,
        beta: float = 1.0,
        log_zero: float = -4.0,
        class_weight: Sequence[float] | None = None,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = "loss_sce",
        border: int = 0,
    ) -> None:
        super().__init__(class_weight, ignore_index, loss_weight, loss_name)
        if alpha < 0 or beta < 0 or log_zero >= 0:
            raise InputError(
                f"{loss_name}: expected alpha >= 0, beta >= 0 and log_zero < 0, found {alpha}, {beta} and {log_zero}"
            )
        if type(border) is not int or border < 0:
            raise InputError(f"{loss_name}: expected a whole number >= 0 as border, in pixels, found {border!r}")
        self.alpha = alpha
        self.beta = beta
        self.log_zero = log_zero
        self.border = border

    def pixel_losses(self, logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
        """See `PixelwiseLoss`."""
        if self.border:
            return self._of_shares(logits, label, ignore_index)
        # Ignored pixels get 0 and no gradient here, hence p_y = 1 and a reverse term of 0 as well.
        cross_entropy = F.cross_entropy(logits, label, reduction="none", ignore_index=ignore_index)
        loss = self.alpha * cross_entropy
        if self.beta:
            # Not expm1, which takes fifteen times as long on a CPU: what it has more is lost in a mean over pixels.
            loss = loss + self.beta * self.log_zero * (torch.exp(-cross_entropy) - 1)
        return loss

    def _of_shares(self, logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
        shares = class_shares(label, logits.shape[1], self.border, ignore_index, logits.dtype)
        log_probabilities = F.log_softmax(logits, dim=1)
        loss = -self.alpha * (shares * log_probabilities).sum(dim=1)
        if self.beta:
            right = (shares * log_probabilities.exp()).sum(dim=1)
            loss = loss + self.beta * self.log_zero * (right - shares.sum(dim=1))
        return loss
