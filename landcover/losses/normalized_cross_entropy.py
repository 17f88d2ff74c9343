"""Cross-entropy relative to that of all classes."""

from __future__ import annotations

from collections.abc import Sequence

from mmseg.registry import MODELS
from torch import Tensor
from torch.nn import functional as F

from landcover.losses.pixelwise import PixelwiseLoss


@MODELS.register_module()
class NormalizedCrossEntropy(PixelwiseLoss):
    r"""Share of the labelled class in the sum of the cross-entropies of all classes, for labels that are partly wrong.

    Per valid pixel, with predicted probabilities :math:`p` of two or more classes and label class :math:`y`,

    .. math:: \ell = \frac{\log p_y}{\sum_k \log p_k} \in [0, 1].

    Summed over all possible labels it is 1 whatever the prediction, so that labels that are wrong evenly do not move
    its minimum. It learns slowly alone; the paper adds a loss that only pushes :math:`p_y` up (active and passive), the
    reverse cross-entropy or the absolute error: `SymmetricCrossEntropy` with `alpha=0`. A pair is a list of two losses,
    see configs/_base_/losses.

    Ma, Huang, Wang, Romano, Erfani, Bailey: Normalized Loss Functions for Deep Learning with Noisy Labels, ICML 2020,
    https://arxiv.org/abs/2006.13554.

    Args:
        class_weight: see `PixelwiseLoss`.
        ignore_index: label of pixels without supervision; they add neither loss nor gradient.
        loss_weight: factor of the result.
        loss_name: key of the result; mmseg trains on it only if it contains "loss".
    """

    def __init__(
        self,
        class_weight: Sequence[float] | None = None,
        ignore_index: int = 255,
        loss_weight: float = 1.0,
        loss_name: str = "loss_nce",
    ) -> None:
        super().__init__(class_weight, ignore_index, loss_weight, loss_name)

    def pixel_losses(self, logits: Tensor, label: Tensor, ignore_index: int) -> Tensor:
        """See `PixelwiseLoss`."""
        log_probabilities = logits.log_softmax(dim=1)
        cross_entropy = F.nll_loss(log_probabilities, label, reduction="none", ignore_index=ignore_index)
        # The sum is at most -C log C, that of equal probabilities: no division by 0.
        return cross_entropy / -log_probabilities.sum(dim=1)
