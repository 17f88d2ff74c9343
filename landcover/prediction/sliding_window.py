"""Class probabilities of an image of any size: sliding window over test-time views."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from landcover.prediction.views import View
from landcover.sar.preprocessor import SarPreprocessor

DIVISOR = 32
"""Windows smaller than the training crop are padded to a multiple of it: the deepest stride of all backbones."""


@dataclass(frozen=True)
class SlidingWindow:
    """How images are cut and looked at.

    Args:
        window: side of the square window, the training crop size, pixels.
        stride: step between windows, at most `window`.
        views: test-time views; their probabilities are averaged.
    """

    window: int
    stride: int
    views: Sequence[View] = (View(),)

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.window:
            raise ValueError(f"stride {self.stride} must be in 1..window ({self.window})")


@torch.inference_mode()
def predict_probabilities(model: nn.Module, image: NDArray, settings: SlidingWindow, device: torch.device) -> Tensor:
    """Mean class probabilities over all views.

    Per view, logits of overlapping windows are averaged, resized to the image and turned into probabilities
    (the order of mmsegmentation's slide mode with test-time augmentation).

    Args:
        model: in eval mode; maps normalised (B, bands, h, w) to logits (B, C, h', w') of any resolution, with a
            `data_preprocessor` whose `mean` and `std` normalise grey values.
        image: (H, W) or (H, W, bands), as read from file.
        settings: window, stride, views.
        device: where to compute.

    Returns:
        (C, H, W) float32 on `device`, sums to 1 over C.
    """
    height, width = image.shape[:2]
    pixels = torch.from_numpy(image if image.ndim == 3 else image[..., None]).to(device).permute(2, 0, 1)
    normalised = normalise(pixels[None].float(), model)
    total: Tensor | None = None
    for scale in dict.fromkeys(view.scale for view in settings.views):
        size = View(scale).size(height, width)
        scaled = _resize(normalised, size)
        for view in settings.views:
            if view.scale == scale:
                logits = view.mirror(_slide(model, view.mirror(scaled), settings))
                probabilities = _resize(logits, (height, width)).softmax(1)
                total = probabilities if total is None else total.add_(probabilities)
    assert total is not None, "no view"
    return total[0].div_(len(settings.views))


def normalise(pixels: Tensor, model: nn.Module) -> Tensor:
    """(B, bands, H, W) grey values shifted and scaled by the model's `data_preprocessor`; SAR as it prepares it."""
    preprocessor = model.get_submodule("data_preprocessor")
    if isinstance(preprocessor, SarPreprocessor):
        return preprocessor.normalise(pixels)
    mean, std = (model.get_buffer(f"data_preprocessor.{name}").to(pixels.device) for name in ("mean", "std"))
    return (pixels - mean) / std


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """First pixels of the windows that cover 0..length-1; the last one is moved back to end at the border."""
    if length <= window:
        return [0]
    return [*range(0, length - window, stride), length - window]


def _slide(model: nn.Module, image: Tensor, settings: SlidingWindow) -> Tensor:
    """(1, C, H, W) logits of (1, bands, H, W), averaged where windows overlap."""
    height, width = image.shape[-2:]
    tops = window_starts(height, settings.window, settings.stride)
    lefts = window_starts(width, settings.window, settings.stride)
    if len(tops) == len(lefts) == 1:
        return _window_logits(model, image)
    total = image.new_zeros(())
    count = image.new_zeros((1, 1, height, width))
    for top in tops:
        for left in lefts:
            area = (..., slice(top, top + settings.window), slice(left, left + settings.window))
            logits = _window_logits(model, image[area])
            if total.ndim == 0:
                total = logits.new_zeros((1, logits.shape[1], height, width))
            total[area] += logits
            count[area] += 1
    return total.div_(count)


def _window_logits(model: nn.Module, window: Tensor) -> Tensor:
    """Logits at the window's own size; sides that are no multiple of `DIVISOR` are padded with the mean grey value."""
    height, width = window.shape[-2:]
    padded = F.pad(window, (0, -width % DIVISOR, 0, -height % DIVISOR))
    logits = model(padded, mode="tensor").float()
    return _resize(logits, (padded.shape[-2], padded.shape[-1]))[..., :height, :width]


def _resize(tensor: Tensor, size: tuple[int, int]) -> Tensor:
    if tensor.shape[-2:] == size:
        return tensor
    return F.interpolate(tensor, size=size, mode="bilinear", align_corners=False)
