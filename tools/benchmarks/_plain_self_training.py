"""The step of stage 1 as it is usually written, around mmseg's own networks: what ours is compared with."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor
from torchvision.transforms import ColorJitter, GaussianBlur

from landcover.classes import IGNORE_INDEX


class PlainSelfTraining(BaseModel):
    """Student, EMA teacher, ClassMix: the arithmetic of `SelfTraining` in the form of the public DACS-style code.

    Two backward passes per step, images mixed and augmented one after the other, weights of pixels as a map, the
    teacher updated parameter by parameter.

    Args:
        student: config of the segmentor.
        confidence, ema_limit, augmentation: as for `SelfTraining`.
    """

    def __init__(
        self, student: Mapping[str, Any], confidence: float, ema_limit: float, augmentation: Mapping[str, Any]
    ) -> None:
        super().__init__()
        self.student: EncoderDecoder = MODELS.build(student)
        self.teacher: EncoderDecoder = copy.deepcopy(self.student).requires_grad_(False)
        self.confidence, self.ema_limit = confidence, ema_limit
        self.jitter_probability = augmentation["jitter_probability"]
        self.blur_probability = augmentation["blur_probability"]
        strength = augmentation["jitter_strength"]
        self.jitter = ColorJitter(strength, strength, strength, strength)
        self.blur = GaussianBlur(7, sigma=tuple(augmentation["blur_sigma"]))

    def train(self, mode: bool = True) -> PlainSelfTraining:
        """The student trains; the teacher labels."""
        super().train(mode)
        self.teacher.eval()
        return self

    def forward(self, inputs: Tensor, data_samples: object = None, mode: str = "tensor") -> Tensor:
        """The teacher's logits."""
        return self.teacher(inputs, mode="tensor")

    def train_step(self, data: Mapping[str, Any], optim_wrapper: OptimWrapper) -> dict[str, Tensor]:
        """One step on a batch of `SourceTargetPairs`: losses `source` and `mix`, and the mean confidence."""
        optim_wrapper.zero_grad()
        source = self.student.data_preprocessor(data["source"], True)
        target = self.student.data_preprocessor(data["target"], True)

        with optim_wrapper.optim_context(self):
            losses = self.student.loss(source["inputs"], source["data_samples"])
        source_loss = losses["decode.loss_ce"]
        optim_wrapper.backward(source_loss)

        with optim_wrapper.optim_context(self):
            pseudo, confident = self.pseudo_labels(target)
            images, labels, weights = self.mix(source, target, pseudo, confident)
            features = self.student.extract_feat(images)
            logits = self.student.decode_head(features)
            logits = F.interpolate(logits, size=labels.shape[-2:], mode="bilinear", align_corners=False)
            pixels = F.cross_entropy(logits, labels, reduction="none", ignore_index=IGNORE_INDEX)
            mix_loss = (pixels * weights).sum() / (labels != IGNORE_INDEX).sum()
        optim_wrapper.backward(mix_loss)
        optim_wrapper.step()
        return {"source": source_loss.detach(), "mix": mix_loss.detach(), "confident": confident.mean()}

    @torch.no_grad()
    def pseudo_labels(self, target: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Classes (B, H, W) of the target's pixels, and the share (B,) of them of which the teacher is sure."""
        images = target["inputs"]
        logits = self(images)
        logits = F.interpolate(logits, size=images.shape[-2:], mode="bilinear", align_corners=False)
        probabilities = torch.softmax(logits.float(), dim=1)
        best, classes = torch.max(probabilities, dim=1)
        outside = torch.stack([sample.gt_sem_seg.data[0] for sample in target["data_samples"]]) == IGNORE_INDEX
        sure = (best >= self.confidence) & ~outside
        share = sure.sum(dim=(1, 2)).float() / (~outside).sum(dim=(1, 2))
        classes[outside] = IGNORE_INDEX
        return classes, share

    @torch.no_grad()
    def mix(
        self, source: Mapping[str, Any], target: Mapping[str, Any], pseudo: Tensor, confident: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Images (B, 3, H, W), normalised and augmented; labels and weights of pixels (B, H, W)."""
        images, labels, weights = [], [], []
        for index, sample in enumerate(source["data_samples"]):
            source_labels = sample.gt_sem_seg.data[0]
            mask = torch.isin(source_labels, drawn_classes(source_labels))
            image = torch.where(mask, source["inputs"][index], target["inputs"][index])
            images.append(self.augment(image))
            labels.append(torch.where(mask, source_labels, pseudo[index]))
            weights.append(torch.where(mask, 1.0, confident[index]))
        return torch.stack(images), torch.stack(labels), torch.stack(weights)

    def augment(self, image: Tensor) -> Tensor:
        """Colour jitter and blur of a normalised image (3, H, W)."""
        if torch.rand(()) < self.jitter_probability:
            mean, std = self.student.data_preprocessor.mean, self.student.data_preprocessor.std
            grey_values = (image * std + mean) / 255
            image = (self.jitter(grey_values.clamp(0, 1)) * 255 - mean) / std
        if torch.rand(()) < self.blur_probability:
            image = self.blur(image)
        return image

    @torch.no_grad()
    def update_teacher(self, step: int) -> None:
        """Moves the teacher towards the student after optimizer step `step` = 0, 1, ..."""
        decay = min(1 - 1 / (step + 1), self.ema_limit)
        for kept, new in zip(self.teacher.parameters(), self.student.parameters(), strict=True):
            kept.mul_(decay).add_(new, alpha=1 - decay)
        for kept, new in zip(self.teacher.buffers(), self.student.buffers(), strict=True):
            if kept.is_floating_point():
                kept.mul_(decay).add_(new, alpha=1 - decay)
            else:
                kept.copy_(new)


def drawn_classes(labels: Tensor) -> Tensor:
    """Half of the classes of one label map (H, W), rounded up."""
    classes = torch.unique(labels)
    classes = classes[classes != IGNORE_INDEX]
    return classes[torch.randperm(len(classes), device=classes.device)[: (len(classes) + 1) // 2]]
