"""The prototypes of a training: mixtures of the source's classes, and the pixels from which they follow."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from landcover.processes.group import rows_of_all_processes
from landcover.training.ema import ema_decay
from stage1_optical_da.prototype_alignment.gaussian_mixtures import GaussianMixtures
from stage1_optical_da.prototype_alignment.mixture_fitting import balanced_responsibilities, fit, moments, moved
from stage1_optical_da.prototype_alignment.pixel_memory import PixelMemory
from stage1_optical_da.prototype_alignment.reverse_alignment import likely_pixels, refined

FLOOR = 1e-3
"""Least variance along an axis. Unit vectors that share nothing have 1 / 64 along each of 64."""

GATE = 0.05
"""Share of the source's pixels of a class that may be less likely than a target pixel that refines its mixture."""


class Prototypes(nn.Module):
    """Mixtures that follow memories of the newest pixels of every class, of the source and of the target.

    All of it is buffers, and the same in all processes of a training, since each takes the pixels of all.

    Args:
        num_classes: C.
        components: K of every mixture.
        memory: M, pixels of each class in either memory; a component has M / K of them.
        width: d of the pixels.
        momentum: share of a mixture that a step of EM keeps, at most; the n-th step keeps at most 1 - 1 / (n + 1).
        reverse: how far the target's step goes relative to the source's, 0 for not at all.
    """

    likely: Tensor

    def __init__(
        self, num_classes: int, components: int, memory: int, width: int, momentum: float, reverse: float
    ) -> None:
        super().__init__()
        self.source = PixelMemory(num_classes, memory, width)
        self.target = PixelMemory(num_classes, memory, width)
        self.mixtures = GaussianMixtures(num_classes, components, width)
        self.register_buffer("likely", torch.zeros(()))  # share of the target's memory that has passed the gate
        self._components, self._momentum, self._reverse = components, momentum, reverse

    def add_source(self, vectors: Tensor, labels: Tensor) -> None:
        """Takes pixels of the source in all processes, (N, d) with labels (N,) or `IGNORE_INDEX`, N alike in all."""
        self.source.add(*_of_all_processes(vectors, labels))

    def add_target(self, vectors: Tensor, labels: Tensor) -> None:
        """Takes pixels of the target, likewise."""
        self.target.add(*_of_all_processes(vectors, labels))

    @torch.no_grad()
    def update(self) -> None:
        """A step of EM towards the source's memory and a smaller one towards the target's.

        Classes without a mixture, of which there are now K pixels, get one: so do all at the first call.
        """
        mixtures = self.mixtures
        new = (self.source.seen >= self._components) & ~mixtures.fitted
        mixtures.updates += 1
        share = 1 - ema_decay(int(mixtures.updates), self._momentum)
        means, variances = self._source_step(share)
        if self._reverse:
            means, variances = self._target_step(means, variances, share * self._reverse)
        means, variances = _where(mixtures.fitted, means, variances, mixtures.means, mixtures.variances)
        if bool(new.any()):
            first = fit(self.source.pixels, self.source.filled, self._components, FLOOR)
            means, variances = _where(new, *first, means, variances)
        mixtures.means.copy_(means)
        mixtures.variances.copy_(variances)
        mixtures.fitted.logical_or_(new)

    def keys(self, count: int) -> tuple[Tensor, Tensor]:
        """The newest pixels of every class in both domains, the same number of each if there are as many.

        Returns:
            (N, d) vectors; (N,) int64 labels, `IGNORE_INDEX` where there is none.
        """
        (source, of_source), (target, of_target) = self.source.newest(count), self.target.newest(count)
        return torch.cat([source, target]).flatten(0, 1), torch.cat([of_source, of_target]).flatten()

    def _source_step(self, share: float) -> tuple[Tensor, Tensor]:
        pixels, filled = self.source.pixels, self.source.filled
        means, variances = self.mixtures.means, self.mixtures.variances
        found = balanced_responsibilities(pixels, filled, means, variances)
        occurs = (found.sum(1) > 0)[..., None] * share  # a component without pixels stays
        return moved(means, variances, moments(pixels, found, FLOOR), occurs, FLOOR)

    def _target_step(self, means: Tensor, variances: Tensor, share: float) -> tuple[Tensor, Tensor]:
        pixels, filled = self.target.pixels, self.target.filled & self.mixtures.fitted[:, None]
        source = self.source.pixels, self.source.filled
        accepted = likely_pixels(pixels, filled, *source, means, variances, GATE)
        self.likely.copy_(accepted.sum() / filled.sum().clamp(min=1))
        return refined(pixels, accepted, means, variances, share, FLOOR)


def _of_all_processes(vectors: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    rows = rows_of_all_processes(torch.cat([vectors.detach(), labels[:, None].to(vectors.dtype)], 1))
    return rows[:, :-1], rows[:, -1].long()


def _where(chosen: Tensor, means: Tensor, variances: Tensor, *others: Tensor) -> tuple[Tensor, Tensor]:
    """Means and variances (C, K, d) of the chosen classes (C,), and the others of the other classes."""
    rows = chosen[:, None, None]
    return torch.where(rows, means, others[0]), torch.where(rows, variances, others[1])
