"""Self-training across domains: a student learns from labels and from its own average's predictions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from typing import Any, Literal

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmseg.models.decode_heads.decode_head import BaseDecodeHead
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.classes import IGNORE_INDEX
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from landcover.prediction.sliding_window import normalise
from landcover.training.ema import ema_decay, update_ema
from stage1_optical_da.class_mix import Mix, class_mix
from stage1_optical_da.source_target_pairs import SourceTargetPreprocessor
from stage1_optical_da.strong_augmentation import StrongAugmentation
from stage1_optical_da.training_parts import Mixed, Seen, Step, Target, build_parts, named_parts

Batch = dict[str, Any]  # what `SourceTargetPreprocessor` returns


@MODELS.register_module()
class SelfTraining(BaseModel):
    """A student segmentor and its EMA teacher (DACS with per-image confidence).

    One step: the student's own losses on the labelled source; the teacher labels the target, every pixel of it; each
    target image weighs as much as the share of its pixels on which the teacher is confident; source objects are
    pasted on the target (ClassMix), the mix is augmented, and the student learns it with a weighted cross-entropy.
    Parts add losses of their own to both, and may have a say in what the teacher thinks; without any, nothing is
    computed for them.

    Tranheden, Olsson, Pinto, Svensson: DACS, WACV 2021, https://arxiv.org/abs/2007.08702; Liu et al. 2025,
    https://arxiv.org/abs/2504.13458, equations (3) to (8).

    Args:
        student: config of the segmentor; its `data_preprocessor` normalises grey values. The losses of its heads are
            those of the source.
        confidence: probability from which the teacher counts as confident.
        ema_limit: largest share of the teacher kept per step.
        target_weight: factor of the loss on mixed images; 0 trains on the source alone.
        augmentation: arguments of `StrongAugmentation`.
        parts: configs of further losses by name, in the order in which they are asked, see `build_parts`.
    """

    def __init__(
        self,
        student: Mapping[str, Any],
        confidence: float = 0.968,
        ema_limit: float = 0.999,
        target_weight: float = 1.0,
        augmentation: Mapping[str, Any] | None = None,
        parts: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=SourceTargetPreprocessor())
        self.student: EncoderDecoder = MODELS.build(student)
        self.teacher: EncoderDecoder = copy.deepcopy(self.student).requires_grad_(False).eval()
        self.confidence, self.ema_limit, self.target_weight = confidence, ema_limit, target_weight
        self.augmentation = StrongAugmentation(**(augmentation or {}))
        self._mixed_loss = SymmetricCrossEntropy(alpha=1.0, beta=0.0, loss_name="loss_ce")
        self.parts = build_parts(parts or {}, self.student.decode_head)
        self._seen_source: Seen | None = None  # from the first pass of a step to the second, for parts alone

    def init_weights(self) -> None:
        """Initialises the student; the teacher starts as its copy, parts as they were built."""
        self.student.init_weights()
        self.teacher.load_state_dict(self.student.state_dict())

    def train(self, mode: bool = True) -> SelfTraining:
        """The student trains; the teacher labels, so it stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def train_step(self, data: Any, optim_wrapper: OptimWrapper) -> dict[str, Tensor]:  # mmengine's signature
        """One step of the optimizer; returns values to log."""
        return self.step(self, nullcontext(), data, optim_wrapper)

    def step(
        self,
        called: nn.Module,
        unsynchronised: AbstractContextManager[None],
        data: Any,
        optim_wrapper: OptimWrapper,
    ) -> dict[str, Tensor]:
        """Source and mix, each forward and backward, so that one graph is in memory at a time; then the optimizer.

        Args:
            called: this model, or what wraps it: forward passes go through it.
            unsynchronised: context in which a backward pass leaves gradients to this process.
            data: a batch of `SourceTargetPairs`.
            optim_wrapper: the optimizer.

        Returns:
            Values to log.
        """
        batch: Batch = self.data_preprocessor(data, training=True)
        if not self.target_weight:
            loss, values = self._pass(called, batch, "source", optim_wrapper)
            optim_wrapper.update_params(self._through_all_parts(loss))
            return values
        with unsynchronised:
            loss, values = self._pass(called, batch, "source", optim_wrapper)
            _backward(loss, optim_wrapper)
        loss, mix_values = self._pass(called, batch, "mix", optim_wrapper)
        optim_wrapper.update_params(self._through_all_parts(loss))
        return {**values, **mix_values, "loss": values["loss"] + mix_values["loss"]}

    def forward(
        self,
        inputs: Any,
        data_samples: Any = None,
        generators: Sequence[torch.Generator] = (),
        mode: str = "tensor",
    ) -> Any:  # mmengine's signature
        """`mode="source"` and `mode="mix"`: named losses of a batch; `mode="tensor"`: the teacher's logits."""
        if mode == "source":
            return self.source_losses(inputs["source"], data_samples["source"], generators)
        if mode == "mix":
            return self.mix_losses(inputs, data_samples, generators)
        return self.teacher(inputs, mode="tensor")

    def source_losses(
        self, images: Tensor, indices: Tensor, generators: Sequence[torch.Generator] = ()
    ) -> dict[str, Tensor]:
        """Losses of all heads and parts on labelled images.

        Args:
            images: (B, 3, H, W) float 0..255.
            indices: (B, H, W) int64.
            generators: one for each pair, for parts that draw.
        """
        losses: dict[str, Tensor] = {}
        for name, head, logits, seen in self._looks(images, indices):
            for loss in _losses(head):
                key = f"source.{name}.{loss.loss_name}"
                value = loss(logits, indices, ignore_index=IGNORE_INDEX)
                losses[key] = losses[key] + value if key in losses else value
            if seen is not None:
                losses.update(self._part_losses("source", Step(seen, generators)))
                self._seen_source = seen.detached() if self.target_weight else None
        return losses

    def mix_losses(
        self, images: Mapping[str, Tensor], indices: Mapping[str, Tensor], generators: Sequence[torch.Generator]
    ) -> dict[str, Tensor]:
        """Losses of all heads and parts on the mix of source and target, and `confident`, the mean weight of images.

        Parts get to see the source as `source_losses` has left it, which comes first in a step.

        Args:
            images: `source` and `target`, (B, 3, H, W) float 0..255.
            indices: `source` labels and `target` coverage (`IGNORE_INDEX` outside the image), (B, H, W) int64.
            generators: one for each pair, for class mixing, augmentation and parts.
        """
        teacher_logits = self.teacher_logits(images["target"], indices["target"])
        pseudo, confident = self.pseudo_labels(teacher_logits, indices["target"])
        classes = self.student.decode_head.num_classes
        mix = class_mix(images["source"], indices["source"], images["target"], pseudo, confident, classes, generators)
        losses, seen = self._weighted_losses(self.augmentation(mix.images, generators), mix)
        if seen is not None:
            source, self._seen_source = self._seen_source, None
            assert source is not None, "the source comes first"
            target = self._target(images["target"], pseudo, teacher_logits, confident)
            step = Step(source, generators, target, Mixed(seen, mix.weights, mix.pasted))
            losses.update(self._part_losses("mix", step))
        return {**losses, "confident": confident.mean()}

    @torch.no_grad()
    def teacher_logits(self, images: Tensor, coverage: Tensor) -> Tensor:
        """The teacher's logits of target images, (B, C, H, W) float32, as the parts leave them.

        Args:
            images: (B, 3, H, W) float 0..255.
            coverage: (B, H, W), whose size they get.
        """
        if not len(self.parts):
            return _resized(self.teacher(normalise(images, self.teacher), mode="tensor"), coverage)
        seen = seen_by(self.teacher, images, coverage)
        for _, part in named_parts(self.parts):
            seen = replace(seen, logits=part.teacher_logits(seen))
        return seen.logits

    @torch.no_grad()
    def pseudo_labels(self, teacher_logits: Tensor, coverage: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's class of every target pixel, and the share of confident pixels of every image.

        Args:
            teacher_logits: (B, C, H, W) float32.
            coverage: (B, H, W) int64, `IGNORE_INDEX` outside the image.

        Returns:
            (B, H, W) int64 classes, `IGNORE_INDEX` outside the image; (B,) float shares of the pixels inside.
        """
        probability, classes = teacher_logits.softmax(1).max(1)
        inside = coverage != IGNORE_INDEX
        confident = ((probability >= self.confidence) & inside).flatten(1).sum(1)
        share = confident / inside.flatten(1).sum(1).clamp(min=1)
        return classes.masked_fill(~inside, IGNORE_INDEX), share

    def update_teacher(self, step: int) -> None:
        """Moves the teacher towards the student after optimizer step `step` = 0, 1, ...

        Students of all processes have equal weights after a step, so have their teachers, without communication.
        """
        update_ema(self.teacher, self.student, ema_decay(step, self.ema_limit))

    def _pass(
        self, called: nn.Module, batch: Batch, mode: str, optim_wrapper: OptimWrapper
    ) -> tuple[Tensor, dict[str, Tensor]]:
        with optim_wrapper.optim_context(called):
            losses = called(**batch, mode=mode)
        return self.parse_losses(losses)

    def _through_all_parts(self, loss: Tensor) -> Tensor:
        """The loss, with a graph to every parameter of the parts: processes wait for a gradient of each of them."""
        for parameter in self.parts.parameters():
            loss = loss + 0.0 * parameter.sum()
        return loss

    def _weighted_losses(self, images: Tensor, mix: Mix) -> tuple[dict[str, Tensor], Seen | None]:
        """Losses of all heads on mixed images, and what the decode head saw if there are parts."""
        losses, seen_mix = {}, None
        for name, head, logits, seen in self._looks(images, mix.indices):
            seen_mix = seen_mix or seen
            # An auxiliary head counts in the mix as much as it does in the source.
            factor = self.target_weight * (1.0 if name == "decode" else _losses(head)[0].loss_weight)
            value = self._mixed_loss(logits, mix.indices, mix.weights, ignore_index=IGNORE_INDEX)
            losses[f"mix.{name}.loss_ce"] = factor * value
        return losses, seen_mix

    def _looks(self, images: Tensor, indices: Tensor) -> Iterator[tuple[str, nn.Module, Tensor, Seen | None]]:
        """Name, head and logits at the size of `indices`, of the decode head and of every auxiliary head.

        With the decode head, if there are parts, all that the student sees of the images.
        """
        maps = self.student.extract_feat(normalise(images, self.student))
        if len(self.parts):
            seen = _seen(self.student.decode_head, images, indices, maps)
            yield "decode", self.student.decode_head, seen.logits, seen
        else:
            yield "decode", self.student.decode_head, _resized(self.student.decode_head(maps), indices), None
        if self.student.with_auxiliary_head:
            auxiliary = self.student.auxiliary_head
            listed = auxiliary if isinstance(auxiliary, nn.ModuleList) else [auxiliary]
            for number, head in enumerate(listed):
                yield f"auxiliary{number}", head, _resized(head(maps), indices), None

    def _target(self, images: Tensor, pseudo: Tensor, teacher_logits: Tensor, confident: Tensor) -> Target:
        seen = None
        if any(part.sees_target for _, part in named_parts(self.parts)):
            seen = seen_by(self.student, images, pseudo)
        return Target(images, pseudo, teacher_logits, confident, seen)

    def _part_losses(self, domain: Literal["source", "mix"], step: Step) -> dict[str, Tensor]:
        losses = {}
        for name, part in named_parts(self.parts):
            found = part.source_losses(step) if domain == "source" else part.mix_losses(step)
            losses.update({f"{domain}.{name}.{key}": value for key, value in found.items()})
        return losses


def seen_by(network: EncoderDecoder, images: Tensor, indices: Tensor) -> Seen:
    """What a network of self-training makes of images (B, 3, H, W), 0..255, with indices (B, H, W)."""
    return _seen(network.decode_head, images, indices, network.extract_feat(normalise(images, network)))


def teacher_of(model: nn.Module) -> nn.Module:
    """The teacher of a `SelfTraining`: what is exported and scored."""
    assert isinstance(model, SelfTraining)
    return model.teacher


def _backward(loss: Tensor, optim_wrapper: OptimWrapper) -> None:
    """The wrapper's own backward pass, loss scaling included, without counting it as a step."""
    counted = optim_wrapper._inner_count
    optim_wrapper.backward(optim_wrapper.scale_loss(loss))
    optim_wrapper._inner_count = counted


def _seen(head: BaseDecodeHead, images: Tensor, indices: Tensor, maps: Sequence[Tensor]) -> Seen:
    """What `head` makes of feature maps, with its logits at the size of `indices`."""
    features = head._forward_feature(maps)
    return Seen(images, indices, tuple(maps), features, _resized(head.cls_seg(features), indices))


def _losses(head: nn.Module) -> list[Any]:  # losses of the MODELS registry
    """The losses of a head, one or several in mmseg's configs."""
    listed = head.loss_decode
    return list(listed) if isinstance(listed, nn.ModuleList) else [listed]


def _resized(logits: Tensor, indices: Tensor) -> Tensor:
    """Logits (B, C, h, w) of any float type, as float32 (B, C, H, W), the size of `indices` (B, H, W)."""
    return F.interpolate(logits.float(), size=indices.shape[-2:], mode="bilinear", align_corners=False)
