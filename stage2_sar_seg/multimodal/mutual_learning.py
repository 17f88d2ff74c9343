"""What the predictions of both branches, and the fused one, learn from each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from landcover.errors import InputError
from landcover.images.modality import Modality
from landcover.networks.branch_mean import BRANCHES, mean_logits
from stage2_sar_seg.multimodal.complementary import complementary_loss
from stage2_sar_seg.multimodal.cross_supervision import CrossSupervision, cross_loss


@dataclass(frozen=True)
class Predictions:
    """Log-probabilities of a batch, float32 (B, C, h, w) of one size.

    Args:
        learners: by modality, with a graph.
        teachers: likewise, without one.
        whole: of the SAR images alone, (A, C, h, w), which their branch has seen whole; None if there are none.
    """

    learners: Mapping[str, Tensor]
    teachers: Mapping[str, Tensor]
    whole: Tensor | None


@dataclass(frozen=True)
class Places:
    """Which pixels (B, h, w) of predictions are what.

    Args:
        both: bool, image of both modalities at one place.
        alone: bool, SAR image without an optical one.
        paired: B numbers, whether an image of the batch has its optical one.
    """

    both: Tensor
    alone: Tensor
    paired: Sequence[bool]


class MutualLearning(nn.Module):
    """Losses by which predictions learn from each other; those who teach get no gradient.

    At places of both images each branch learns from the other by `complementary_loss`, and the labels that the other's
    prediction becomes; the fused prediction learns the mean of both branches' labels. A SAR image alone learns the
    labels that its own branch gives to the whole image while patches of it are hidden.

    Args:
        complementary_weight: factor of the complementary losses; 0 is without.
        cross: arguments of `CrossSupervision`.
        shares: of the classes in the labels, sum 1.

    Raises:
        InputError: numbers out of range.
    """

    bounds: Tensor

    def __init__(self, complementary_weight: float, cross: Mapping[str, Any], shares: Sequence[float]) -> None:
        super().__init__()
        if complementary_weight < 0:
            raise InputError(
                f"multimodal.complementary_weight: expected a number of at least 0, found {complementary_weight!r}; "
                "correct the config"
            )
        self.complementary_weight, self.cross = complementary_weight, CrossSupervision(**cross)
        self.register_buffer("bounds", self.cross.bounds(shares), persistent=False)

    @property
    def learns(self) -> bool:
        """Whether any weight is above 0."""
        return bool(self.complementary_weight or self.cross.weight)

    def forward(self, predictions: Predictions, places: Places, progress: float) -> dict[str, Tensor]:
        """Named losses, and which share of the pixels of both images each branch has labelled.

        Args:
            predictions: of a batch.
            places: of its pixels.
            progress: done part of the training, 0..1.
        """
        losses: dict[str, Tensor] = {}
        if self.complementary_weight:
            for learner, teacher in _each_from_the_other():
                loss = complementary_loss(predictions.teachers[teacher], predictions.learners[learner], places.both)
                losses[f"{learner}.loss_complementary"] = self.complementary_weight * loss
        if self.cross.weight:
            losses.update(self._cross_losses(predictions, places, progress))
        return losses

    def _cross_losses(self, predictions: Predictions, places: Places, progress: float) -> dict[str, Tensor]:
        made = {
            name: self.cross.labels(predictions.teachers[name], places.both, self.bounds, progress) for name in BRANCHES
        }
        learners = dict(predictions.learners)
        learners["fused"] = mean_logits(learners["optical"], learners["sar"]).log_softmax(1)
        learned: dict[str, Tensor] = {learner: made[teacher] for learner, teacher in _each_from_the_other()}
        learned["fused"] = (made["optical"] + made["sar"]) / 2
        learned["sar"] = self._with_own(learned["sar"], predictions.whole, places, progress)
        valid = {"optical": places.both, "sar": places.both | places.alone, "fused": places.both}
        losses = {
            f"{name}.loss_cross": self.cross.weight * cross_loss(learned[name], learners[name], valid[name])
            for name in learned
        }
        count = places.both.sum().clamp(min=1)
        return {**losses, **{f"{name}.labelled": made[name].sum() / count for name in BRANCHES}}

    def _with_own(self, labels: Tensor, whole: Tensor | None, places: Places, progress: float) -> Tensor:
        """Labels of the SAR branch, for images alone those of its own view of the whole image."""
        if whole is None:
            return labels
        alone = [number for number, paired in enumerate(places.paired) if not paired]
        labels = labels.clone()
        labels[alone] = self.cross.labels(whole, places.alone[alone], self.bounds, progress)
        return labels


def _each_from_the_other() -> Iterator[tuple[Modality, Modality]]:
    """Who learns, and from whom."""
    yield from (BRANCHES, BRANCHES[::-1])
