"""Parts that add losses to self-training: what they get to know of a step, and the first of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.losses.lovasz import LovaszSoftmax


@dataclass(frozen=True)
class Seen:
    """Images and what the student makes of them.

    Args:
        images: (B, 3, H, W) float 0..255, as the student saw them.
        indices: (B, H, W) int64, labels or pseudo-labels, 0..C-1 or `IGNORE_INDEX`.
        maps: feature maps of the backbone, (B, D_i, H_i, W_i) each, the finest first.
        features: (B, D, h, w), what the decode head classifies.
        logits: (B, C, H, W) float32, of the decode head, at the size of the images.
    """

    images: Tensor
    indices: Tensor
    maps: tuple[Tensor, ...]
    features: Tensor
    logits: Tensor

    def detached(self) -> Seen:
        """The same without a graph."""
        maps = tuple(level.detach() for level in self.maps)
        return replace(self, maps=maps, features=self.features.detach(), logits=self.logits.detach())


@dataclass(frozen=True)
class Target:
    """The target images of a step, before they are mixed, and what the teacher makes of them.

    Args:
        images: (B, 3, H, W) float 0..255.
        indices: (B, H, W) int64, the teacher's classes, `IGNORE_INDEX` outside of the image.
        teacher_logits: (B, C, H, W) float32, without a graph; as the parts have left them, see
            `TrainingPart.teacher_logits`.
        confident: (B,) float, share of the pixels of which the teacher is sure: the weight of the image.
        seen: what the student makes of them, with a graph; None unless a part says `sees_target`.
    """

    images: Tensor
    indices: Tensor
    teacher_logits: Tensor
    confident: Tensor
    seen: Seen | None


@dataclass(frozen=True)
class Mixed:
    """The mixed images of a step.

    Args:
        seen: augmented mixes of source and target, and what the student makes of them, with a graph.
        weights: (B, H, W) float, weight of each pixel's loss.
        pasted: (B, H, W) bool, pixels that come from the source image; the others come from the target image.
    """

    seen: Seen
    weights: Tensor
    pasted: Tensor


@dataclass(frozen=True)
class Step:
    """What a step of self-training knows.

    A step looks at the source first, and at the target and the mix when the graph of the source is gone.

    Args:
        source: labelled images; with a graph until target and mix are there.
        generators: one for each pair of images, on the CPU: all that is drawn in a step comes from them, so that it
            depends neither on the number of processes nor on interruptions.
        target: None while the source is looked at.
        mixed: None while the source is looked at.
    """

    source: Seen
    generators: Sequence[torch.Generator]
    target: Target | None = None
    mixed: Mixed | None = None


class TrainingPart(nn.Module):
    """Adds losses to self-training. A subclass registers with MODELS and is named in `self_training.parts`.

    Its parameters are trained with those of the heads; parameters and buffers are in checkpoints, not in model files.
    A value whose name contains "loss" is added to what is minimised, every other one is only logged. Every process of
    a training calls the same methods, with its own share of the batch.

    Args:
        num_classes: C, as all parts get it from the student's decode head.
        channels: D of `Seen.features`, likewise.

    Attributes:
        sees_target: whether the student must look at the target images by themselves, which costs a pass.
    """

    sees_target = False

    def __init__(self, num_classes: int, channels: int) -> None:
        super().__init__()
        self.num_classes, self.channels = num_classes, channels

    def teacher_logits(self, target: Seen) -> Tensor:
        """Logits (B, C, H, W) float32 from which pseudo-labels and confidence follow: the teacher's, as they are.

        Args:
            target: images of the target before they are mixed and what the teacher makes of them, without a graph;
                its logits are those of the parts before this one. Indices are void outside of the image and tell
                nothing else.
        """
        return target.logits

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        """Named losses of the source."""
        del step
        return {}

    def mix_losses(self, step: Step) -> dict[str, Tensor]:
        """Named losses of target and mix; not asked for where the target has no weight."""
        del step
        return {}


def build_parts(configs: Mapping[str, Mapping[str, Any]], head: nn.Module) -> nn.ModuleDict:
    """The parts of a training by name, in their order.

    Args:
        configs: of the MODELS registry, by name; without `num_classes` and `channels`, which come from `head`.
        head: decode head of the student.

    Raises:
        InputError: a name that would be mistaken for something else in the log, a class that is no `TrainingPart`, or
            a head without features for parts.
    """
    if configs and not hasattr(head, "_forward_feature"):
        raise InputError(
            f"self_training.parts: expected a decode head with features for {next(iter(configs))}, found "
            f"{type(head).__name__}; use FastSegformerHead, UPerHead or another head with _forward_feature"
        )
    parts = nn.ModuleDict()
    for name, config in configs.items():
        if not name.isidentifier() or "loss" in name or re.match("decode|auxiliary", name):
            raise InputError(
                f"self_training.parts: expected names like 'lovasz', found {name!r}; choose a word without 'loss', "
                "'decode' and 'auxiliary', which mean something in the log"
            )
        part = MODELS.build({**config, "num_classes": head.num_classes, "channels": head.channels})
        if not isinstance(part, TrainingPart):
            raise InputError(
                f"self_training.parts.{name}: expected a TrainingPart, found {type(part).__name__}; correct its type"
            )
        parts[name] = part
    return parts


def named_parts(parts: nn.ModuleDict) -> Iterator[tuple[str, TrainingPart]]:
    """Name and part, in order."""
    for name, part in parts.items():
        assert isinstance(part, TrainingPart), "build_parts has looked"
        yield name, part


@MODELS.register_module()
class SourceLovasz(TrainingPart):
    """A Lovasz loss of the decode head on the source; the mix has none: an area loss knows no weight of a pixel.

    Args:
        num_classes: see `TrainingPart`.
        channels: likewise.
        weight: factor of the loss.
    """

    def __init__(self, num_classes: int, channels: int, weight: float) -> None:
        super().__init__(num_classes, channels)
        self._loss = LovaszSoftmax(weight)

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        """`loss_lovasz`."""
        return {"loss_lovasz": self._loss(step.source.logits, step.source.indices)}
