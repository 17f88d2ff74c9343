"""A loss between cross-entropy and absolute error."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from landcover.errors import InputError
from landcover.losses.pixelwise import PixelwiseLoss


@MODELS.register_module()
class GeneralizedCrossEntropy(PixelwiseLoss):
    r"""Box-Cox transform of the labelled class's probability, for labels that are partly wrong.

    Per valid pixel, with predicted probabilities :math:`p` and label class :math:`y`,

    .. math:: \ell = (1 - p_y^q) / q, \qquad 0 < q \le 1.

    It tends to cross-entropy as q tends to 0, is half the absolute error :math:`1 - p_y` at q = 1, and is bounded by
    1 / q. Relative to cross-entropy, a pixel's gradient is multiplied by :math:`p_y^q`: the less likely its label, the
    less it counts.

    Zhang, Sabuncu: Generalized Cross Entropy Loss for Training Deep Neural Networks with Noisy Labels, NeurIPS 2018,
    https://arxiv.org/abs/1805.07836, equation (6). Their truncation, which leaves out pixels of small :math:`p_y`, is
    not there.

    Args:
        q: in (0, 1]; the paper's is 0.7.
        class_weight: see `PixelwiseLoss`.
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".
    """

    def __init__(
        self,
        q: float = 0.7,
        class_weight: Sequence[float] | None = None,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = "loss_gce",
    ) -> None:
        super().__init__(class_weight, ignore_index, loss_weight, loss_name)
        if not 0 < q <= 1:
            raise InputError(f"{loss_name}: expected q in (0, 1], found {q}; the paper's is 0.7")
        self.q = q

    def pixel_losses(self, logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
        """See `PixelwiseLoss`."""
        # The derivative of p^q at p = 0 is infinite; through log p it is not. Ignored pixels have log p = 0.
        cross_entropy = F.cross_entropy(logits, label, reduction="none", ignore_index=ignore_index)
        return -torch.expm1(-self.q * cross_entropy) / self.q
