"""Training of the network with labelled and unlabelled pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from mmengine.model import BaseModel
from mmengine.structures import BaseDataElement
from mmseg.registry import MODELS
from torch import Tensor

from stage2_sar_seg.registration.s2m2.independence import mutual_dependence
from stage2_sar_seg.registration.s2m2.losses import heatmap_cross_entropy, position_distribution, pseudo_heatmap
from stage2_sar_seg.registration.s2m2.network import S2M2Network, Similarities


@MODELS.register_module()
class SemiSupervisedMatching(BaseModel):
    """Teaches labelled pairs their position, and unlabelled ones what deep and shallow similarities say together.

    Gai, Li 2025, https://arxiv.org/abs/2508.07812, with the temperatures published there. Our choice: labelled
    positions between pixels are targets of several pixels, both levels are compared at full size, and the three parts
    (labelled, unlabelled, independence) have a weight each, 1 by default.

    A sample counts by what it is: `labelled_share` of all samples are labelled, and each counts for as many as there
    are unlabelled ones beside it. So the sum over all processes does not depend on how a batch is shared out.

    Args:
        network: config of the `S2M2Network`.
        labelled_share: of the samples, in (0, 1]; filled in from the data.
        deep_temperature: of the deep heatmaps of labelled pairs.
        shallow_temperature: of their shallow heatmaps.
        pseudo_temperature: of deep times shallow of unlabelled pairs, the target.
        unlabelled_temperature: of their shallow heatmaps.
        unlabelled_weight: of the loss of unlabelled pairs.
        unlabelled_from: step from which on unlabelled pairs teach; 0 for the first. What a network that knows nothing
            says of them is wrong, and is learned all the same.
        independence_weight: of the mutual information between shared and specific features; 0 leaves it out.
        bins: of its histograms.

    Attributes:
        network: the network in training.
    """

    def __init__(
        self,
        network: Mapping[str, Any],
        labelled_share: float = 1.0,
        deep_temperature: float = 1 / 100,
        shallow_temperature: float = 1 / 30,
        pseudo_temperature: float = 1 / 200,
        unlabelled_temperature: float = 1 / 80,
        unlabelled_weight: float = 1.0,
        unlabelled_from: int = 0,
        independence_weight: float = 1.0,
        bins: int = 32,
    ) -> None:
        super().__init__()
        self.network: S2M2Network = MODELS.build(network)
        self.labelled_share = labelled_share
        self.deep_temperature, self.shallow_temperature = deep_temperature, shallow_temperature
        self.pseudo_temperature, self.unlabelled_temperature = pseudo_temperature, unlabelled_temperature
        self.unlabelled_weight, self.unlabelled_from = unlabelled_weight, unlabelled_from
        self.independence_weight, self.bins = independence_weight, bins
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))  # in checkpoints

    def forward(
        self,
        inputs: Mapping[str, Sequence[Tensor]],
        data_samples: Sequence[BaseDataElement],
        mode: Literal["loss"] = "loss",
    ) -> dict[str, Tensor]:
        """Losses of a batch.

        Args:
            inputs: `sar` (1, h, w) and `optical` (3, H, W) of every sample.
            data_samples: `position` float32 (2,) of every sample, and `labelled`, whether it may be looked at.
            mode: mmengine's; there is no other one.
        """
        similarities = self.network(torch.stack([*inputs["sar"]]), torch.stack([*inputs["optical"]]))
        positions = torch.stack([sample.position for sample in data_samples])
        labelled = torch.stack([sample.labelled for sample in data_samples]).to(positions.dtype)
        losses = self._labelled(similarities, positions, labelled / self.labelled_share)
        if self.labelled_share < 1:
            losses["loss_pseudo"] = self._unlabelled(similarities, (1 - labelled) / (1 - self.labelled_share))
        if self.independence_weight:
            dependence = mutual_dependence(similarities.enhanced, self.bins)
            losses["loss_dependence"] = self.independence_weight * dependence
        self.steps += 1
        return losses

    def _labelled(self, similarities: Similarities, positions: Tensor, weights: Tensor) -> dict[str, Tensor]:
        # Samples of weight 0 take part, so that every process has a gradient for every parameter.
        target = position_distribution(positions, *similarities.deep.shape[1:])
        deep = heatmap_cross_entropy(similarities.deep, target, self.deep_temperature)
        shallow = heatmap_cross_entropy(similarities.shallow, target, self.shallow_temperature)
        return {"loss_deep": (weights * deep).mean(), "loss_shallow": (weights * shallow).mean()}

    def _unlabelled(self, similarities: Similarities, weights: Tensor) -> Tensor:
        target = pseudo_heatmap(similarities.deep, similarities.shallow, self.pseudo_temperature)
        loss = heatmap_cross_entropy(similarities.shallow, target, self.unlabelled_temperature)
        return self.unlabelled_weight * (self.steps >= self.unlabelled_from) * (weights * loss).mean()
