"""Training of an optical and a SAR segmentor that teach each other."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.images.modality import Modality
from landcover.networks.branch_mean import BRANCHES, BranchMean, mean_logits, resized_logits
from landcover.training.ema import ema_decay, update_ema
from stage2_sar_seg.multimodal.multimodal_tiles import MultimodalPairsPreprocessor
from stage2_sar_seg.multimodal.mutual_learning import MutualLearning, Places, Predictions
from stage2_sar_seg.multimodal.patch_masks import AsymmetricMasking


@MODELS.register_module()
class MultimodalTraining(BaseModel):
    """An optical and a SAR branch, each with its own losses, whose predictions teach each other.

    One step: patches are hidden, other ones in each modality (`AsymmetricMasking`); both branches look once; labelled
    pixels train both, and the fused prediction, the mean of their log-probabilities; then predictions learn from each
    other (`MutualLearning`). These are compared at the size of the networks' outputs, so that they cost little.

    DLLR-style: see `stage2_sar_seg.multimodal`.

    Args:
        optical: config of the segmentor of optical images, with its losses.
        sar: likewise of SAR images; its losses are also those of the fused prediction.
        shares: of the classes in the labels, sum 1; bounds of reassigned labels come from them.
        masking: arguments of `AsymmetricMasking`.
        fused_weight: factor of the losses of the fused prediction on labelled pixels; 0 is without.
        complementary_weight: factor of the complementary losses; 0 is without.
        cross: arguments of `CrossSupervision`.
        averaged_teachers: whether the averages of the branches teach, which see whole images in a pass of their own;
            otherwise the branches teach as they are.
        weight_ema: largest share of the averages that a step keeps, in [0, 1); None: there are no averages.

    Attributes:
        branches: the branches in training.
        average: their averages, in eval mode; None without.
        progress: how much of the training is done after this step, 0..1.

    Raises:
        InputError: numbers out of range, averages that are asked for and not kept, branches of other classes.
    """

    def __init__(
        self,
        optical: Mapping[str, Any],
        sar: Mapping[str, Any],
        shares: Sequence[float],
        masking: Mapping[str, Any],
        fused_weight: float,
        complementary_weight: float,
        cross: Mapping[str, Any],
        averaged_teachers: bool = False,
        weight_ema: float | None = None,
    ) -> None:
        branches = BranchMean(optical, sar)
        preprocessors: dict[str, nn.Module] = {name: branches.branch(name).data_preprocessor for name in BRANCHES}
        super().__init__(data_preprocessor=MultimodalPairsPreprocessor(preprocessors))
        _check(branches, fused_weight, averaged_teachers, weight_ema)
        self.branches = branches
        self.average = None if weight_ema is None else copy.deepcopy(branches).requires_grad_(False).eval()
        self.masking = AsymmetricMasking(**masking)
        self.mutual = MutualLearning(complementary_weight, cross, shares)
        self.fused_weight, self.averaged_teachers, self.weight_ema = fused_weight, averaged_teachers, weight_ema
        self.progress = 0.0

    @property
    def exported(self) -> BranchMean:
        """The branches that are scored and exported: the averages if there are any."""
        return self.branches if self.average is None else self.average

    def init_weights(self) -> None:
        """Initialises the branches; the averages start as their copies."""
        self.branches.init_weights()
        if self.average is not None:
            self.average.load_state_dict(self.branches.state_dict())

    def train(self, mode: bool = True) -> MultimodalTraining:
        """The branches train; averages only predict."""
        super().train(mode)
        if self.average is not None:
            self.average.eval()
        return self

    def update_average(self, step: int) -> None:
        """Moves the averages, if there are any, towards the branches after step `step` = 0, 1, ..."""
        if self.average is not None and self.weight_ema is not None:
            update_ema(self.average, self.branches, ema_decay(step, self.weight_ema))

    def forward(
        self,
        inputs: Mapping[str, Tensor],
        data_samples: Mapping[str, Any] | None = None,
        inside: Mapping[str, Tensor] | None = None,
        paired: Sequence[bool] = (),
        generators: Sequence[torch.Generator] = (),
        mode: str = "tensor",
    ) -> Any:  # mmengine's signature
        """`mode="loss"`: named losses of a batch of the preprocessor; otherwise logits of the fused prediction."""
        if mode != "loss":
            return self.branches(inputs)
        assert data_samples is not None and inside is not None, "a batch of training"
        seen = self._hidden(inputs, generators)
        logits: dict[str, Tensor] = {}
        losses: dict[str, Tensor] = {}
        for name in BRANCHES:
            logits[name], found = self._look(name, seen[name], data_samples[name])
            losses.update(found)
        if self.fused_weight:
            fused = mean_logits(logits["optical"], logits["sar"])
            # Where a SAR image has no optical one, it has no label either.
            found = _losses(self.branches.sar.decode_head, fused, data_samples["sar"], "fused")
            losses.update({name: self.fused_weight * value for name, value in found.items()})
        if self.mutual.learns:
            with torch.autocast(logits["sar"].device.type, enabled=False):
                predictions = self._predictions(inputs, logits, paired)
                places = _places(inside, logits["sar"], paired)
                losses.update(self.mutual(predictions, places, self.progress))
        return losses

    def _hidden(self, inputs: Mapping[str, Tensor], generators: Sequence[torch.Generator]) -> Mapping[str, Tensor]:
        """The images, with the mean value, 0, in the patches that are hidden."""
        if not self.masking.hides:
            return inputs
        height, width = inputs["sar"].shape[-2:]
        masks = self.masking.draw(height, width, generators)
        return {
            name: image.masked_fill(masks[name].to(image.device, non_blocking=True)[:, None], 0.0)
            for name, image in inputs.items()
        }

    def _look(self, name: Modality, images: Tensor, samples: Any) -> tuple[Tensor, dict[str, Tensor]]:
        """Logits of a branch's decode head, and the losses of all of its heads, as it has them when it trains alone."""
        branch = self.branches.branch(name)
        maps = branch.extract_feat(images)
        logits = branch.decode_head(maps)
        losses = _losses(branch.decode_head, logits, samples, f"{name}.decode")
        for number, head in enumerate(_auxiliary_heads(branch)):
            losses.update(_losses(head, head(maps), samples, f"{name}.auxiliary{number}"))
        return logits, losses

    def _predictions(
        self, inputs: Mapping[str, Tensor], logits: Mapping[str, Tensor], paired: Sequence[bool]
    ) -> Predictions:
        """Who learns and who teaches, at the size of the SAR branch's output."""
        size = logits["sar"]
        learners: dict[str, Tensor] = {
            name: resized_logits(logits[name].float(), size).log_softmax(1) for name in BRANCHES
        }
        teachers = {name: learner.detach() for name, learner in learners.items()}
        if self.averaged_teachers:
            teachers = {name: _predicted(self.exported.branch(name), inputs[name], size) for name in BRANCHES}
        alone = [number for number, has_optical in enumerate(paired) if not has_optical]
        whole = None
        if alone and self.mutual.cross.weight:
            whole = _predicted(self.exported.sar, inputs["sar"][alone], size)
        return Predictions(learners, teachers, whole)


@HOOKS.register_module()
class ProgressHook(Hook):
    """Tells a `MultimodalTraining` before every step how much of the training is done after it."""

    def before_train_iter(self, runner: Runner, batch_idx: int, data_batch: object = None) -> None:
        """Sets `progress`."""
        getattr(runner.model, "module", runner.model).progress = (runner.iter + 1) / runner.max_iters


def _check(branches: BranchMean, fused_weight: float, averaged_teachers: bool, weight_ema: float | None) -> None:
    if fused_weight < 0:
        raise InputError(
            f"multimodal.fused_weight: expected a number of at least 0, found {fused_weight!r}; correct the config"
        )
    if weight_ema is not None and not 0.0 <= weight_ema < 1.0:
        raise InputError(f"weight_ema: expected None or a share in [0, 1), found {weight_ema}; correct it")
    if averaged_teachers and weight_ema is None:
        raise InputError(
            "multimodal.averaged_teachers: expected weight_ema with it, found None; set weight_ema=0.99 or another "
            "share, or averaged_teachers=False"
        )
    optical, sar = (branches.branch(name).decode_head.num_classes for name in BRANCHES)
    if optical != sar:
        raise InputError(
            f"multimodal.optical: expected a network of {sar} classes as the SAR model, found one of {optical}; "
            "choose another config"
        )


def _losses(head: BaseDecodeHead, logits: Tensor, samples: Any, prefix: str) -> dict[str, Tensor]:
    """A head's losses of its logits, by name behind a prefix; what mmseg's heads log beside them is left out."""
    found = head.loss_by_feat(logits, samples)
    return {f"{prefix}.{name}": value for name, value in found.items() if "loss" in name}


def _auxiliary_heads(branch: EncoderDecoder) -> list[BaseDecodeHead]:
    if not branch.with_auxiliary_head:
        return []
    heads = branch.auxiliary_head
    return list(heads) if isinstance(heads, nn.ModuleList) else [heads]


def _predicted(network: nn.Module, images: Tensor, like: Tensor) -> Tensor:
    """Log-probabilities of a network as it is in use, at the size of `like`, without a graph."""
    was_training = network.training
    network.eval()
    # In inference mode compiled networks run as they are, whatever the number of images; see `compile_networks`.
    with torch.inference_mode():
        logits = network(images, mode="tensor")
    network.train(was_training)
    # What is made in inference mode must not get into a graph.
    return resized_logits(logits.float().clone(), like).log_softmax(1)


def _places(inside: Mapping[str, Tensor], logits: Tensor, paired: Sequence[bool]) -> Places:
    """What the pixels of logits (B, C, h, w) show; one that lies partly outside of an image shows nothing."""
    covered = {name: F.adaptive_max_pool2d((~where).float(), logits.shape[-2:]) == 0 for name, where in inside.items()}
    together = torch.tensor(paired, device=logits.device)[:, None, None]
    return Places(covered["optical"] & covered["sar"] & together, covered["sar"] & ~together, paired)
