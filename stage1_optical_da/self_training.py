"""Self-training across domains: a student learns from labels and from its own average's predictions."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.hooks import Hook
from mmengine.model import BaseModel
from mmengine.registry import HOOKS
from mmengine.runner import Runner
from mmengine.structures import PixelData
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from torch import Tensor, nn

from landcover.classes import IGNORE_INDEX
from landcover.losses.symmetric_cross_entropy import SymmetricCrossEntropy
from landcover.prediction.sliding_window import normalise
from stage1_optical_da.class_mix import Mix, class_mix
from stage1_optical_da.ema import ema_decay, update_ema
from stage1_optical_da.source_target_pairs import SourceTargetPreprocessor
from stage1_optical_da.strong_augmentation import StrongAugmentation


@MODELS.register_module()
class SelfTraining(BaseModel):
    """A student segmentor and its EMA teacher (DACS with per-image confidence).

    One step: the student's own losses on the labelled source; the teacher labels the target, every pixel of it; each
    target image weighs as much as the share of its pixels on which the teacher is confident; source objects are
    pasted on the target (ClassMix), the mix is augmented, and the student learns it with a weighted cross-entropy.

    Tranheden, Olsson, Pinto, Svensson: DACS, WACV 2021, https://arxiv.org/abs/2007.08702; Liu et al. 2025,
    https://arxiv.org/abs/2504.13458, equations (3) to (8).

    Args:
        student: config of the segmentor; its `data_preprocessor` normalises grey values.
        confidence: probability from which the teacher counts as confident.
        ema_limit: largest share of the teacher kept per step.
        target_weight: factor of the loss on mixed images; 0 trains on the source alone.
        augmentation: arguments of `StrongAugmentation`.
    """

    def __init__(
        self,
        student: Mapping[str, Any],
        confidence: float = 0.968,
        ema_limit: float = 0.999,
        target_weight: float = 1.0,
        augmentation: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(data_preprocessor=SourceTargetPreprocessor())
        self.student: EncoderDecoder = MODELS.build(student)
        self.teacher: EncoderDecoder = copy.deepcopy(self.student).requires_grad_(False).eval()
        self.confidence, self.ema_limit, self.target_weight = confidence, ema_limit, target_weight
        self.augmentation = StrongAugmentation(**(augmentation or {}))
        self._mixed_loss = SymmetricCrossEntropy(alpha=1.0, beta=0.0, loss_name="loss_ce")

    def init_weights(self) -> None:
        """Initialises the student; the teacher starts as its copy."""
        self.student.init_weights()
        self.teacher.load_state_dict(self.student.state_dict())

    def train(self, mode: bool = True) -> SelfTraining:
        """The student trains; the teacher labels, so it stays in eval mode."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, inputs: Any, data_samples: Any = None, mode: str = "tensor") -> Any:  # mmengine's signature
        """`mode="loss"`: named losses of a source/target batch; `mode="tensor"`: the teacher's logits."""
        if mode == "loss":
            return self.loss(inputs, data_samples)
        return self.teacher(inputs, mode="tensor")

    def loss(self, images: Mapping[str, Tensor], indices: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Losses of one batch.

        Args:
            images: `source` and `target`, (B, 3, H, W) float 0..255.
            indices: `source` labels and `target` coverage (`IGNORE_INDEX` outside the image), (B, H, W) int64.
        """
        samples = [_sample(labels) for labels in indices["source"]]
        losses = _prefixed("source", self.student.loss(normalise(images["source"], self.student), samples))
        if self.target_weight == 0:
            return losses
        pseudo, confident = self.pseudo_labels(images["target"], indices["target"])
        mix = class_mix(
            images["source"],
            indices["source"],
            images["target"],
            pseudo,
            confident,
            self.student.decode_head.num_classes,
        )
        mixed = {f"mix.loss_{name}": value * self.target_weight for name, value in self._mix_losses(mix)}
        return {**losses, **mixed, "confident": confident.mean()}

    @torch.no_grad()
    def pseudo_labels(self, images: Tensor, coverage: Tensor) -> tuple[Tensor, Tensor]:
        """The teacher's class of every target pixel, and the share of confident pixels of every image.

        Args:
            images: (B, 3, H, W) float 0..255.
            coverage: (B, H, W) int64, `IGNORE_INDEX` outside the image.

        Returns:
            (B, H, W) int64 classes, `IGNORE_INDEX` outside the image; (B,) float shares of the pixels inside.
        """
        logits = self.teacher(normalise(images, self.teacher), mode="tensor").float()
        logits = F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
        top, classes = logits.max(1)
        probability = (top - logits.logsumexp(1)).exp()
        inside = coverage != IGNORE_INDEX
        confident = ((probability >= self.confidence) & inside).flatten(1).sum(1)
        share = confident / inside.flatten(1).sum(1).clamp(min=1)
        return classes.masked_fill(~inside, IGNORE_INDEX), share

    def update_teacher(self, step: int) -> None:
        """Moves the teacher towards the student after optimizer step `step` = 0, 1, ...

        Students of all processes have equal weights after a step, so have their teachers, without communication.
        """
        update_ema(self.teacher, self.student, ema_decay(step, self.ema_limit))

    def _mix_losses(self, mix: Mix) -> Iterator[tuple[str, Tensor]]:
        features = self.student.extract_feat(normalise(self.augmentation(mix.images), self.student))
        for name, head, weight in _heads(self.student):
            logits = F.interpolate(head(features), size=mix.indices.shape[-2:], mode="bilinear", align_corners=False)
            yield name, weight * self._mixed_loss(logits, mix.indices, weight=mix.weights, ignore_index=IGNORE_INDEX)


def teacher_of(model: nn.Module) -> nn.Module:
    """The teacher of a `SelfTraining`: what is exported and scored."""
    assert isinstance(model, SelfTraining)
    return model.teacher


@HOOKS.register_module()
class TeacherHook(Hook):
    """Updates the teacher after every optimizer step.

    Not in `train_step`: mmengine's distributed wrapper never calls the wrapped module's own.
    """

    priority = "HIGH"

    def after_train_iter(
        self, runner: Runner, batch_idx: int, data_batch: object = None, outputs: object = None
    ) -> None:
        """One EMA step."""
        getattr(runner.model, "module", runner.model).update_teacher(runner.iter)


def _sample(indices: Tensor) -> SegDataSample:
    sample = SegDataSample()
    sample.gt_sem_seg = PixelData(data=indices[None])
    return sample


def _prefixed(prefix: str, losses: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in losses.items()}


def _heads(student: EncoderDecoder) -> Iterator[tuple[str, nn.Module, float]]:
    """Name, head and loss weight of the decode head and of every auxiliary head (that of its first loss)."""
    yield "decode", student.decode_head, 1.0
    if student.with_auxiliary_head:
        auxiliary = student.auxiliary_head
        heads = auxiliary if isinstance(auxiliary, nn.ModuleList) else [auxiliary]
        for number, head in enumerate(heads):
            first: Any = head.loss_decode[0] if isinstance(head.loss_decode, nn.ModuleList) else head.loss_decode
            yield f"auxiliary{number}", head, float(first.loss_weight)
