r"""How the logits of overlapping windows become logits of the image.

Per view, logits of every window are resized to the window, averaged where windows overlap and resized to the image, as
in mmsegmentation's slide mode. All three steps are linear and act on rows and columns alone, so that along each axis
one small matrix takes a window's logits to the image at once,

.. math:: A_t = F \, \mathrm{diag}(w / \textstyle\sum w) \, U_t,

with :math:`U_t` from the logits to the window at :math:`t`, window weights :math:`w` and :math:`F` to the image. The
scaled image is never filled with logits: at scale 1.75 it would be three times as large as the result. A mirrored view
is the same with the rows of :math:`A_t` in reverse.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, get_args

import torch
from torch import Tensor

Weighting = Literal["uniform", "cosine"]
"""`uniform` is the plain mean of overlapping windows, the paper's; `cosine` counts a window less near its borders."""

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)

BLOCK = 64
"""Lines of the image that are computed together: few enough to stay in the cache, and for bands without many zeros."""

KNOWN_AXES = 32
"""Axes whose pieces are kept, at most 0.2 MB each for images of 1024 pixels: six scales, mirrored and not, and more."""


@dataclass(frozen=True)
class Axis:
    """Windows along one side of a scaled image.

    Args:
        length: side of the image itself, pixels.
        scaled: side of the scaled image, pixels.
        window: side of the windows, at most `scaled`.
        padded: side to which windows were padded at their end before they were predicted.
        starts: first pixels of the windows, as they lie in the mirrored image if the view is mirrored.
        weighting: of overlapping windows.
    """

    length: int
    scaled: int
    window: int
    padded: int
    starts: tuple[int, ...]
    weighting: Weighting = "uniform"


@dataclass(frozen=True)
class Piece:
    """What neighbouring lines of the image take from neighbouring lines of one window's logits.

    Args:
        window: number of the window in `Axis.starts`.
        lines: of the image, all within one block of `BLOCK`.
        sources: lines of the logits.
        weights: (lines, sources) float32.
    """

    window: int
    lines: slice
    sources: slice
    weights: Tensor


@lru_cache(KNOWN_AXES)
def merge_pieces(axis: Axis, resolution: int, mirrored: bool, device: torch.device) -> tuple[Piece, ...]:
    """Pieces of every window in turn; for every line of the image the weights sum to 1.

    They are kept: the flips of a scale share them, and so do tiles of one size and the windows of a scene.

    Args:
        axis: see `Axis`.
        resolution: lines of the logits of one padded window.
        mirrored: whether the view is mirrored along this axis.
        device: of the weights.
    """
    profile = window_profile(axis.window, axis.weighting)
    sums = torch.zeros(axis.scaled, dtype=torch.float64)
    for start in axis.starts:
        sums[start : start + axis.window] += profile
    to_window = _resize_rows(resolution, axis.padded)[: axis.window]
    found = []
    for number, start in enumerate(axis.starts):
        inside = to_window * (profile / sums[start : start + axis.window])[:, None]
        first, weights = _to_image(inside, start, axis)
        if mirrored:
            first, weights = axis.length - first - len(weights), weights.flip(0)
        found += _cut(number, first, weights, device)
    return tuple(found)


def merge_strip(logits: Sequence[Tensor], columns: Iterable[Piece], width: int) -> Tensor:
    """(C, h, W) logits of one row of windows (C, h, w), side by side in `columns`, at the image's W = `width`."""
    strip = logits[0].new_zeros((*logits[0].shape[:2], width))
    for piece in columns:
        strip[..., piece.lines] += logits[piece.window][..., piece.sources] @ piece.weights.T
    return strip


def add_probabilities(total: Tensor, strips: Sequence[Tensor], rows: Sequence[Piece]) -> None:
    """Adds to `total`, (C, H, W), the softmax of the logits that `rows` makes of `strips`, (C, h, W) each."""
    for first in range(0, total.shape[1], BLOCK):
        block = torch.zeros_like(total[:, first : first + BLOCK])
        for piece in rows:
            if first <= piece.lines.start < first + BLOCK:
                lines = slice(piece.lines.start - first, piece.lines.stop - first)
                block[:, lines] += piece.weights @ strips[piece.window][:, piece.sources]
        total[:, first : first + BLOCK] += block.softmax(0)


def window_profile(size: int, weighting: Weighting) -> Tensor:
    """Weights of a window's lines, float64 (size,), above 0: ones, or a raised cosine (Hann) with its peak inside."""
    if weighting == "uniform":
        return torch.ones(size, dtype=torch.float64)
    return torch.sin((torch.arange(size, dtype=torch.float64) + 0.5) * (math.pi / size)).square()


def _to_image(inside: Tensor, start: int, axis: Axis) -> tuple[int, Tensor]:
    """First line of the image that sees the window, and (lines, resolution) weights of that line and the next ones."""
    low, high, share = _neighbours(axis.scaled, axis.length)
    sees = ((low >= start) & (low < start + axis.window)) | ((high >= start) & (high < start + axis.window))
    seeing = sees.nonzero()[:, 0]
    weights = torch.zeros((len(seeing), inside.shape[1]), dtype=torch.float64)
    for line, part in ((low[seeing] - start, 1 - share[seeing]), (high[seeing] - start, share[seeing])):
        within = (line >= 0) & (line < axis.window)
        weights += inside[line.clamp(0, axis.window - 1)] * (part * within)[:, None]
    return int(seeing[0]) if len(seeing) else 0, weights


def _cut(window: int, first: int, weights: Tensor, device: torch.device) -> list[Piece]:
    """Pieces of the lines from `first`, ended at multiples of `BLOCK`, without the sources that no line takes."""
    found = []
    end = first + len(weights)
    for begin in (first, *range((first // BLOCK + 1) * BLOCK, end, BLOCK)):
        lines = slice(begin, min((begin // BLOCK + 1) * BLOCK, end))
        block = weights[lines.start - first : lines.stop - first]
        used = block.any(0).nonzero()[:, 0]
        if len(used):
            sources = slice(int(used[0]), int(used[-1]) + 1)
            found.append(Piece(window, lines, sources, block[:, sources].float().to(device)))
    return found


def _neighbours(length: int, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """For every line of a bilinear resize from `length` to `size`: both lines it lies between, share of the second.

    As `torch.nn.functional.interpolate` has it with `align_corners=False`, in float64.
    """
    places = ((torch.arange(size, dtype=torch.float64) + 0.5) * (length / size) - 0.5).clamp(min=0)
    low = places.long().clamp(max=length - 1)
    return low, (low + 1).clamp(max=length - 1), places - low


def _resize_rows(length: int, size: int) -> Tensor:
    """(size, length) float64: a bilinear resize as a matrix."""
    low, high, share = _neighbours(length, size)
    identity = torch.eye(length, dtype=torch.float64)
    return identity[low] * (1 - share)[:, None] + identity[high] * share[:, None]
