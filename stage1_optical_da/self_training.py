"""Self-training across domains: a student learns from labels and from its own average's predictions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.model import BaseModel, MMDistributedDataParallel
from mmengine.optim import OptimWrapper
from mmengine.registry import HOOKS, MODEL_WRAPPERS
from mmengine.runner import Runner
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.classes import IGNORE_INDEX
from landcover.losses.lovasz import LovaszSoftmax
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from landcover.prediction.sliding_window import normalise
from landcover.training.ema import ema_decay, update_ema
from stage1_optical_da.class_mix import Mix, class_mix
from stage1_optical_da.source_target_pairs import SourceTargetPreprocessor
from stage1_optical_da.strong_augmentation import StrongAugmentation

Batch = dict[str, Any]  # what `SourceTargetPreprocessor` returns


@MODELS.register_module()
class SelfTraining(BaseModel):
    """A student segmentor and its EMA teacher (DACS with per-image confidence).

    One step: the student's own losses on the labelled source; the teacher labels the target, every pixel of it; each
    target image weighs as much as the share of its pixels on which the teacher is confident; source objects are
    pasted on the target (ClassMix), the mix is augmented, and the student learns it with a weighted cross-entropy.

    Tranheden, Olsson, Pinto, Svensson: DACS, WACV 2021, https://arxiv.org/abs/2007.08702; Liu et al. 2025,
    https://arxiv.org/abs/2504.13458, equations (3) to (8).

    Args:
        student: config of the segmentor; its `data_preprocessor` normalises grey values. The losses of its heads are
            those of the source.
        confidence: probability from which the teacher counts as confident.
        ema_limit: largest share of the teacher kept per step.
        target_weight: factor of the loss on mixed images; 0 trains on the source alone.
        source_lovasz: weight of a Lovasz loss of the decode head on the source; the mix has none, because an area loss
            has no place for the weight of a pixel.
        augmentation: arguments of `StrongAugmentation`.
    """

    def __init__(
        self,
        student: Mapping[str, Any],
        confidence: float = 0.968,
        ema_limit: float = 0.999,
        target_weight: float = 1.0,
        source_lovasz: float = 0.0,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=SourceTargetPreprocessor())
        self.student: EncoderDecoder = MODELS.build(student)
        self.teacher: EncoderDecoder = copy.deepcopy(self.student).requires_grad_(False).eval()
        self.confidence, self.ema_limit, self.target_weight = confidence, ema_limit, target_weight
        self.augmentation = StrongAugmentation(**(augmentation or {}))
        self._mixed_loss = SymmetricCrossEntropy(alpha=1.0, beta=0.0, loss_name="loss_ce")
        self._area_loss = LovaszSoftmax(source_lovasz) if source_lovasz else None

    def init_weights(self) -> None:
        """Initialises the student; the teacher starts as its copy."""
        self.student.init_weights()
        self.teacher.load_state_dict(self.student.state_dict())

    def train(self, mode: bool = True) -> SelfTraining:
        """The student trains; the teacher labels, so it stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:  # mmengine's signature
        """One step of the optimizer; returns values to log."""
        return _train_step(self, self, nullcontext(), data, optim_wrapper)

    def forward(
        self,
        inputs: Any,
        data_samples: Any = None,
        generators: Sequence[torch.Generator] = (),
        mode: str = "tensor",
    ) -> Any:  # mmengine's signature
        """`mode="source"` and `mode="mix"`: named losses of a batch; `mode="tensor"`: the teacher's logits."""
        if mode == "source":
            return self.source_losses(inputs["source"], data_samples["source"])
        if mode == "mix":
            return self.mix_losses(inputs, data_samples, generators)
        return self.teacher(inputs, mode="tensor")

    def source_losses(self, images: Tensor, indices: Tensor) -> dict[str, Tensor]:
        """Losses of all heads on labelled images.

        Args:
            images: (B, 3, H, W) float 0..255.
            indices: (B, H, W) int64.
        """
        losses: dict[str, Tensor] = {}
        for name, head, logits in self._logits(images):
            logits = _resized(logits, indices)
            for loss in _losses(head):
                key = f"source.{name}.{loss.loss_name}"
                value = loss(logits, indices, ignore_index=IGNORE_INDEX)
                losses[key] = losses[key] + value if key in losses else value
            if name == "decode" and self._area_loss is not None:
                losses["source.decode.loss_lovasz"] = self._area_loss(logits, indices)
        return losses

    def mix_losses(
        self, images: Mapping[str, Tensor], indices: Mapping[str, Tensor], generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """Losses of all heads on the mix of source and target, and `confident`, the mean weight of target images.

        Args:
            images: `source` and `target`, (B, 3, H, W) float 0..255.
            indices: `source` labels and `target` coverage (`IGNORE_INDEX` outside the image), (B, H, W) int64.
            generators: one for each pair, for class mixing and augmentation.
        """
        pseudo, confident = self.pseudo_labels(images["target"], indices["target"])
        classes = self.student.decode_head.num_classes
        mix = class_mix(images["source"], indices["source"], images["target"], pseudo, confident, classes, generators)
        images_mixed = self.augmentation(mix.images, generators)
        return {**self._weighted_losses(images_mixed, mix), "confident": confident.mean()}

    @torch.no_grad()
    def pseudo_labels(self, images: Tensor, coverage: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's class of every target pixel, and the share of confident pixels of every image.

        Args:
            images: (B, 3, H, W) float 0..255.
            coverage: (B, H, W) int64, `IGNORE_INDEX` outside the image.

        Returns:
            (B, H, W) int64 classes, `IGNORE_INDEX` outside the image; (B,) float shares of the pixels inside.
        """
        logits = _resized(self.teacher(normalise(images, self.teacher), mode="tensor"), coverage)
        probability, classes = logits.softmax(1).max(1)
        inside = coverage != IGNORE_INDEX
        confident = ((probability >= self.confidence) & inside).flatten(1).sum(1)
        share = confident / inside.flatten(1).sum(1).clamp(min=1)
        return classes.masked_fill(~inside, IGNORE_INDEX), share

    def update_teacher(self, step: int) -> None:
        """Moves the teacher towards the student after optimizer step `step` = 0, 1, ...

        Students of all processes have equal weights after a step, so have their teachers, without communication.
        """
        update_ema(self.teacher, self.student, ema_decay(step, self.ema_limit))

    def _weighted_losses(self, images: Tensor, mix: Mix) -> dict[str, Tensor]:
        losses = {}
        for name, head, logits in self._logits(images):
            # An auxiliary head counts in the mix as much as it does in the source.
            factor = self.target_weight * (1.0 if name == "decode" else _losses(head)[0].loss_weight)
            value = self._mixed_loss(_resized(logits, mix.indices), mix.indices, mix.weights, ignore_index=IGNORE_INDEX)
            losses[f"mix.{name}.loss_ce"] = factor * value
        return losses

    def _logits(self, images: Tensor) -> Iterator[tuple[str, nn.Module, Tensor]]:
        """Name, head and logits of the decode head and of every auxiliary head."""
        features = self.student.extract_feat(normalise(images, self.student))
        heads = [("decode", self.student.decode_head)]
        if self.student.with_auxiliary_head:
            auxiliary = self.student.auxiliary_head
            listed = auxiliary if isinstance(auxiliary, nn.ModuleList) else [auxiliary]
            heads += [(f"auxiliary{number}", head) for number, head in enumerate(listed)]
        for name, head in heads:
            yield name, head, head(features)


@MODEL_WRAPPERS.register_module()
class DistributedSelfTraining(MMDistributedDataParallel):
    """`SelfTraining` on several processes: gradients are averaged once per step, during the second backward pass."""

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:  # mmengine's signature
        """One step of the optimizer; returns this process's values to log."""
        return _train_step(self, self.module, self.no_sync(), data, optim_wrapper)


def _train_step(
    called: nn.Module,
    model: SelfTraining,
    unsynchronised: AbstractContextManager[None],
    data: Any,
    optim_wrapper: OptimWrapper,
) -> dict[str, Tensor]:
    """Source and mix, each forward and backward, so that one graph is in memory at a time; then the optimizer.

    Args:
        called: `model`, or what wraps it: forward passes go through it.
        model: the model.
        unsynchronised: context in which a backward pass leaves gradients to this process.
        data: a batch of `SourceTargetPairs`.
        optim_wrapper: the optimizer.
    """
    batch: Batch = model.data_preprocessor(data, training=True)
    if not model.target_weight:
        loss, values = _pass(called, model, batch, "source", optim_wrapper)
        optim_wrapper.update_params(loss)
        return values
    with unsynchronised:
        loss, values = _pass(called, model, batch, "source", optim_wrapper)
        # Not `optim_wrapper.backward`, which would count it as a step.
        optim_wrapper.scale_loss(loss).backward()
    loss, mix_values = _pass(called, model, batch, "mix", optim_wrapper)
    optim_wrapper.update_params(loss)
    return {**values, **mix_values, "loss": values["loss"] + mix_values["loss"]}


def _pass(
    called: nn.Module, model: SelfTraining, batch: Batch, mode: str, optim_wrapper: OptimWrapper
) -> tuple[Tensor, dict[str, Tensor]]:
    with optim_wrapper.optim_context(called):
        losses = called(**batch, mode=mode)
    return model.parse_losses(losses)


def teacher_of(model: nn.Module) -> nn.Module:
    """The teacher of a `SelfTraining`: what is exported and scored."""
    assert isinstance(model, SelfTraining)
    return model.teacher


@HOOKS.register_module()
class TeacherHook(Hook):
    """Updates the teacher after every optimizer step."""

    priority = "HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """One EMA step."""
        getattr(runner.model, "module", runner.model).update_teacher(runner.iter)


def _losses(head: nn.Module) -> list[Any]:  # losses of the MODELS registry
    """The losses of a head, one or several in mmseg's configs."""
    listed = head.loss_decode
    return list(listed) if isinstance(listed, nn.ModuleList) else [listed]


def _resized(logits: Tensor, indices: Tensor) -> Tensor:
    """Logits (B, C, h, w) of any float type, as float32 (B, C, H, W), the size of `indices` (B, H, W)."""
    return F.interpolate(logits.float(), size=indices.shape[-2:], mode="bilinear", align_corners=False)
