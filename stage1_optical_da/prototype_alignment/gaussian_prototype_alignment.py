"""The part of self-training that aligns the target with Gaussian prototypes of the source's classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.errors import InputError
from landcover.losses.pixelwise import LEAST_COUNT
from landcover.processes.group import mean_over_processes, rows_of_all_processes
from stage1_optical_da.prototype_alignment.class_frequency import ClassFrequency
from stage1_optical_da.prototype_alignment.class_posterior import mixed_log_probabilities
from stage1_optical_da.prototype_alignment.forward_alignment import distances_to_mixtures
from stage1_optical_da.prototype_alignment.gaussian_mixtures import class_log_likelihoods
from stage1_optical_da.prototype_alignment.label_grid import labels_on_grid
from stage1_optical_da.prototype_alignment.pixel_contrast import pixel_contrast
from stage1_optical_da.prototype_alignment.pixel_sampling import draw_pixels, own_generators, pixels_at
from stage1_optical_da.prototype_alignment.projection import Projection
from stage1_optical_da.prototype_alignment.prototypes import Prototypes
from stage1_optical_da.training_parts import Seen, Step, Target, TrainingPart

WIDTH = 64
"""Axes of the space in which pixels are compared."""

LEAST_SHARE = 0.75
"""Of the pixels of a cell of the features, from which its class counts; other cells are left out."""

TEMPERATURE = 0.1
"""Of the contrast."""

KEYS = 64
"""Pixels of each class and domain with which an anchor is contrasted: the newest."""

INTERVAL = 5
"""Steps of training from one step of EM to the next."""

POSTERIOR_TEMPERATURE = 16.0
"""Of the mixtures' posterior. The axes are not as independent as diagonal covariances have them, so that without it the
posterior would be far surer than right; of the powers of two, source pixels of the demo are likeliest at this one."""

DECODE = "decode"
"""Name of the layer that the decode head classifies."""


@MODELS.register_module()
class GaussianPrototypeAlignment(TrainingPart):
    """Contrast of single pixels, and alignment of the target with mixtures of the source's classes in both directions.

    Pixels are drawn from source and mix, rare classes more often, and projected on unit vectors. In the mix, pixels
    from the target count where the teacher is confident; both domains are seen there in an augmented view.

    - Contrast: anchors of both domains, keys of both from memories that hold as many pixels of each class.
    - First prototypes: after `begin` steps, from the source's memory, before any target pixel is aligned; as Jiang et
      al.: Prototypical Contrast Adaptation for Domain Adaptive Semantic Segmentation, ECCV 2022,
      https://arxiv.org/abs/2207.06654, do.
    - Forward: target pixels approach the mixture of their pseudo-class, with a weight that grows for `ramp` steps. It
      moves the features and neither prototypes nor projection: else all could be projected on a point.
    - Reverse: target pixels that are likely in a mixture refine it.
    - Posterior: pseudo-labels and confidence follow from the teacher's probabilities mixed with those of the mixtures.

    Hu, Wang, Chen 2026, see the package; equations are ours, as are all numbers. In a training of several processes the
    pixels of all enter the same memories in each.

    Args:
        num_classes: see `TrainingPart`.
        channels: likewise.
        contrast_weight: factor of the contrast in source and mix; 0 leaves it out.
        forward_weight: factor of forward alignment; 0 leaves it out.
        reverse: see `Prototypes`; 0 leaves reverse alignment out. Without `forward_weight` and `posterior_weight` there
            are no prototypes.
        posterior_weight: share of the mixtures' posterior in the teacher's probabilities of target pixels, reached
            after `ramp` steps; 0 leaves it out. See `mixed_log_probabilities`.
        components: K, Gaussians of a class.
        begin: steps before the first prototypes.
        ramp: steps from there until forward alignment and posterior have their whole weight.
        momentum: see `Prototypes`.
        memory: M, pixels of each class and domain that are kept.
        pixels: drawn from each image.
        confidence: probability from which the teacher is confident of the most frequent class.
        rare_confidence: likewise of a class that never occurs; linear in the frequency between them.
        layer: "decode", what the decode head classifies, or the number of a map of the backbone, 0 the finest.
        layer_channels: of that map.

    Raises:
        InputError: a value out of its range.
    """

    steps: Tensor

    def __init__(
        self,
        num_classes: int,
        channels: int,
        contrast_weight: float = 0.1,
        forward_weight: float = 0.1,
        reverse: float = 0.5,
        posterior_weight: float = 0.0,
        components: int = 5,
        begin: int = 1500,
        ramp: int = 10000,
        momentum: float = 0.999,
        memory: int = 640,
        pixels: int = 64,
        confidence: float = 0.968,
        rare_confidence: float = 0.8,
        layer: str | int = DECODE,
        layer_channels: int | None = None,
    ) -> None:
        super().__init__(num_classes, channels)
        _check("contrast_weight", contrast_weight, contrast_weight >= 0, "a number >= 0")
        _check("forward_weight", forward_weight, forward_weight >= 0, "a number >= 0")
        _check("reverse", reverse, 0 <= reverse <= 1, "a number from 0 to 1")
        _check("posterior_weight", posterior_weight, 0 <= posterior_weight <= 1, "a number from 0 to 1")
        _check("components", components, _count_from(1, components), "at least 1 Gaussian for each class")
        _check("begin", begin, begin >= 1, "at least 1 step")
        _check("ramp", ramp, ramp >= 1, "at least 1 step")
        _check("momentum", momentum, 0 <= momentum < 1, "a number in [0, 1)")
        _check(
            "memory", memory, _count_from(components, memory), f"at least a pixel for each of {components} components"
        )
        _check("pixels", pixels, _count_from(1, pixels), "at least 1")
        _check("confidence", confidence, 0 < confidence <= 1, "a probability")
        _check("rare_confidence", rare_confidence, 0 < rare_confidence <= confidence, "a probability <= confidence")
        known = layer == DECODE or _count_from(0, layer)
        _check("layer", layer, known, f"{DECODE!r} or the number of a map of the backbone")
        _check("layer_channels", layer_channels, (layer == DECODE) == (layer_channels is None), "it with such a number")
        self.contrast_weight, self.forward_weight = contrast_weight, forward_weight
        self.posterior_weight = posterior_weight
        self.begin, self.ramp, self.pixels, self.layer = begin, ramp, pixels, layer
        self.confidence, self.rare_confidence = confidence, rare_confidence
        self._width = channels if layer_channels is None else layer_channels
        self.projection = Projection(self._width, WIDTH)
        self.frequency = ClassFrequency(num_classes)
        self.prototypes = Prototypes(num_classes, components, memory, WIDTH, momentum, reverse)
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))

    def teacher_logits(self, target: Seen) -> Tensor:
        """Logarithms of the teacher's probabilities mixed with the posterior of the mixtures in its features."""
        weight = self.posterior_weight * self._ramp()
        if not weight:
            return target.logits
        mixtures = self.prototypes.mixtures
        likelihoods = self.log_likelihoods(target) / POSTERIOR_TEMPERATURE
        likelihoods = F.interpolate(likelihoods, target.logits.shape[2:], mode="bilinear", align_corners=False)
        return mixed_log_probabilities(target.logits, likelihoods, mixtures.fitted, weight)

    def log_likelihoods(self, seen: Seen) -> Tensor:
        """(B, C, h, w) float32: logarithms of the densities of all features in the mixtures of all classes."""
        features, mixtures = self._features(seen), self.prototypes.mixtures
        vectors = self.projection(features.flatten(2).transpose(1, 2).flatten(0, 1))
        found = class_log_likelihoods(vectors, mixtures.means, mixtures.variances)
        return found.view(len(features), *features.shape[2:], -1).permute(0, 3, 1, 2)

    def source_losses(self, step: Step) -> dict[str, Tensor]:
        """`loss_contrast` of source pixels."""
        features, indices = self._features(step.source), step.source.indices
        self._count(indices)
        positions, labels = self._draw(self._on_grid(indices, features), step, stream=0)
        vectors = self.projection(pixels_at(features, positions))
        losses = self._contrast(vectors, labels.flatten())
        self.prototypes.add_source(vectors, labels.flatten())
        self.steps += 1
        return losses

    def mix_losses(self, step: Step) -> dict[str, Tensor]:
        """`loss_contrast`, `loss_forward`; of the pixels drawn, `sure`, the share of confident target pixels; `likely`.

        `likely` is the share of the remembered target pixels that refine the prototypes.
        """
        assert step.mixed is not None and step.target is not None, "they are there in the second pass"
        seen, pasted = step.mixed.seen, step.mixed.pasted
        features, sure = self._features(seen), self._sure(step.target) & ~pasted
        of_target = self._on_grid(seen.indices.masked_fill(~sure, IGNORE_INDEX), features)
        of_source = self._on_grid(seen.indices.masked_fill(~pasted, IGNORE_INDEX), features)
        positions, labels = self._draw(torch.minimum(of_target, of_source), step, stream=1)
        target_labels = of_target.flatten(1).gather(1, positions).flatten()
        drawn = pixels_at(features, positions)
        vectors = self.projection(drawn)
        losses = {
            **self._contrast(vectors, labels.flatten()),
            **self._forward(drawn, target_labels),
            "sure": (target_labels != IGNORE_INDEX).float().mean(),
            "likely": self.prototypes.likely.clone(),
        }
        self.prototypes.add_target(vectors, target_labels)
        since = int(self.steps) - self.begin
        if (self.forward_weight or self.posterior_weight) and since >= 0 and since % INTERVAL == 0:
            self.prototypes.update()
        return losses

    def _features(self, seen: Seen) -> Tensor:
        """(B, D, h, w), of the layer."""
        if self.layer == DECODE:
            features = seen.features
        else:
            number = int(self.layer)
            _check("layer", number, number < len(seen.maps), f"one of the {len(seen.maps)} maps, counted from 0")
            features = seen.maps[number]
        found = features.shape[1]
        _check("layer_channels", self._width, found == self._width, f"the {found} channels of layer {self.layer!r}")
        return features

    def _count(self, indices: Tensor) -> None:
        """Takes the labels of all processes into the running frequency."""
        counts = indices.flatten().bincount(minlength=IGNORE_INDEX + 1)[: self.num_classes]
        self.frequency.update(rows_of_all_processes(counts[None]).sum(0))

    def _on_grid(self, indices: Tensor, features: Tensor) -> Tensor:
        height, width = features.shape[2:]
        return labels_on_grid(indices, (height, width), self.num_classes, LEAST_SHARE)

    def _draw(self, labels: Tensor, step: Step, stream: int) -> tuple[Tensor, Tensor]:
        generators = own_generators(step.generators, stream)
        return draw_pixels(labels, self.frequency.sampling_weights(), self.pixels, generators)

    def _sure(self, target: Target) -> Tensor:
        """(B, H, W) bool, where the teacher is confident of its class."""
        thresholds = self.frequency.confidences(self.confidence, self.rare_confidence)
        logits = target.teacher_logits
        largest, classes = logits.max(1)
        return (largest - logits.logsumexp(1)).exp_() >= thresholds[classes]

    def _contrast(self, vectors: Tensor, labels: Tensor) -> dict[str, Tensor]:
        if not self.contrast_weight:
            return {}
        keys, key_labels = self.prototypes.keys(KEYS)
        losses = pixel_contrast(vectors, labels, keys, key_labels, TEMPERATURE)
        return {"loss_contrast": self.contrast_weight * _mean(losses, labels != IGNORE_INDEX)}

    def _forward(self, drawn: Tensor, labels: Tensor) -> dict[str, Tensor]:
        if not self.forward_weight:
            return {}
        mixtures = self.prototypes.mixtures
        aligned = labels != IGNORE_INDEX
        aligned = aligned & mixtures.fitted[labels.masked_fill(~aligned, 0)]
        vectors = self.projection.fixed(drawn)
        classes = labels.masked_fill(~aligned, 0)
        losses = distances_to_mixtures(vectors, classes, mixtures.means, mixtures.variances)
        return {"loss_forward": self.forward_weight * self._ramp() * _mean(losses, aligned)}

    def _ramp(self) -> float:
        """Share of their whole weight that forward alignment and posterior have by now."""
        return min(max((int(self.steps) - self.begin) / self.ramp, 0.0), 1.0)


def _mean(losses: Tensor, taken: Tensor) -> Tensor:
    """Mean of the losses that are taken, over all processes; 0 with a graph without any."""
    count = mean_over_processes(taken.sum().float()).clamp(min=LEAST_COUNT)
    return losses.masked_fill(~taken, 0.0).sum() / count


def _count_from(least: int, value: object) -> bool:
    return type(value) is int and value >= least


def _check(name: str, found: object, good: bool, expected: str) -> None:
    if not good:
        raise InputError(f"GaussianPrototypeAlignment, {name}: expected {expected}, found {found!r}; correct it")
