"""The newest pixels of every class."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from landcover.classes import IGNORE_INDEX


class PixelMemory(nn.Module):
    """Vectors of the newest M pixels of every class, rare or not; the oldest make room.

    Args:
        num_classes: C.
        size: M.
        width: d of the vectors.
    """

    pixels: Tensor
    seen: Tensor

    def __init__(self, num_classes: int, size: int, width: int) -> None:
        super().__init__()
        self.register_buffer("pixels", torch.zeros(num_classes, size, width))
        self.register_buffer("seen", torch.zeros(num_classes, dtype=torch.int64))

    @torch.no_grad()
    def add(self, vectors: Tensor, labels: Tensor) -> None:
        """Takes vectors (N, d) of pixels with labels (N,), of which those with `IGNORE_INDEX` are left out."""
        classes, size, _ = self.pixels.shape
        known = labels != IGNORE_INDEX
        vectors, labels = vectors[known], labels[known]
        places = F.one_hot(labels, classes).cumsum(0)
        counts = places[-1] if len(places) else torch.zeros_like(self.seen)
        order = places.gather(1, labels[:, None])[:, 0]  # 1 for the first of a class
        newest = order > counts[labels] - size
        labels, order = labels[newest], order[newest]
        slots = (self.seen[labels] + order - 1) % size
        self.pixels[labels, slots] = vectors[newest]
        self.seen += counts

    @property
    def filled(self) -> Tensor:
        """(C, M) bool, where there is a pixel."""
        size = self.pixels.shape[1]
        return torch.arange(size, device=self.seen.device) < self.seen[:, None]

    def newest(self, count: int) -> tuple[Tensor, Tensor]:
        """The newest pixels of every class, as many of each as there are, `count` at most.

        Returns:
            (C, n, d) vectors; (C, n) int64 their classes, `IGNORE_INDEX` where there is none.
        """
        classes, size, width = self.pixels.shape
        back = torch.arange(1, min(count, size) + 1, device=self.seen.device)
        slots = (self.seen[:, None] - back) % size
        vectors = self.pixels.gather(1, slots[..., None].expand(-1, -1, width))
        labels = torch.arange(classes, device=self.seen.device)[:, None].expand(slots.shape)
        return vectors, labels.masked_fill(back > self.seen[:, None], IGNORE_INDEX)
