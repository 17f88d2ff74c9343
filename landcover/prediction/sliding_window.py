"""Class probabilities of an image of any size: sliding window over test-time views."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Literal, get_args

import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from landcover.images.modality import Image, each, parts_of, size_of
from landcover.networks.multimodal_preprocessor import MultimodalPreprocessor
from landcover.prediction.merging import (
    WEIGHTINGS,
    Axis,
    Piece,
    Weighting,
    add_probabilities,
    merge_pieces,
    merge_strip,
)
from landcover.prediction.views import View
from landcover.sar.preprocessor import SarPreprocessor

DIVISOR = 32
"""Windows smaller than the training crop are padded to a multiple of it: the deepest stride of all backbones."""

Bands = Any
"""A tensor (B, bands, H, W), or of several modalities a mapping to such tensors; mypy can not follow `each` so far."""

PredictionDtype = Literal["fp32", "bf16"]
PREDICTION_DTYPES: tuple[PredictionDtype, ...] = get_args(PredictionDtype)

GPU_BATCH = 8
"""Windows that a GPU predicts at once unless told otherwise. On two CPU cores one at a time takes three quarters of the
time of four (MiT-B0, windows of 512)."""


@dataclass(frozen=True)
class SlidingWindow:
    """How images are cut and looked at.

    Args:
        window: side of the square window, the training crop size, pixels.
        stride: step between windows, at most `window`.
        views: test-time views; their probabilities are averaged.
        weighting: of overlapping windows.
        dtype: `bf16` runs the network under autocast; everything else is float32.
        batch: windows predicted at once; None for one on CPUs and `GPU_BATCH` on GPUs.
    """

    window: int
    stride: int
    views: Sequence[View] = (View(),)
    weighting: Weighting = "uniform"
    dtype: PredictionDtype = "fp32"
    batch: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.stride <= self.window:
            raise ValueError(f"stride {self.stride} must be in 1..window ({self.window})")
        if self.weighting not in WEIGHTINGS or self.dtype not in PREDICTION_DTYPES:
            raise ValueError(f"weighting {self.weighting!r} or dtype {self.dtype!r} is unknown")
        if self.batch is not None and self.batch < 1:
            raise ValueError(f"batch {self.batch} must be at least 1")

    def axis(self, length: int, scaled: int) -> Axis:
        """Windows along a side of `scaled` pixels of an image with `length` pixels."""
        window = min(self.window, scaled)
        starts = tuple(window_starts(scaled, self.window, self.stride))
        return Axis(length, scaled, window, window + -window % DIVISOR, starts, self.weighting)


@torch.inference_mode()
def predict_probabilities(model: nn.Module, image: Image, settings: SlidingWindow, device: torch.device) -> Tensor:
    """Mean class probabilities over all views.

    Per view, logits of overlapping windows are averaged, resized to the image and turned into probabilities
    (the order of mmsegmentation's slide mode with test-time augmentation).

    Args:
        model: in eval mode; maps normalised (B, bands, h, w) to logits (B, C, h', w') of any resolution, with a
            `data_preprocessor` whose `mean` and `std` normalise grey values. One of several modalities gets a mapping
            to such tensors.
        image: (H, W) or (H, W, bands), as read from file; of several modalities, a mapping to such arrays.
        settings: window, stride, views.
        device: where to compute.

    Returns:
        (C, H, W) float32 on `device`, sums to 1 over C.
    """
    height, width = size_of(image)
    normalised = normalise(each(image, partial(to_tensor, device=device)), model)
    total: Tensor | None = None
    for scale in dict.fromkeys(view.scale for view in settings.views):
        size = View(scale).size(height, width)
        scaled = each(normalised, partial(_resize, size=size))
        views = [view for view in settings.views if view.scale == scale]
        rows, columns = settings.axis(height, size[0]), settings.axis(width, size[1])
        for strips, down in _strips(model, scaled, views, rows, columns, settings):
            if total is None:
                total = strips[0].new_zeros((len(strips[0]), height, width))
            add_probabilities(total, strips, down)
    assert total is not None, "no view"
    return total.div_(len(settings.views))


def to_tensor(pixels: NDArray[Any], device: torch.device) -> Tensor:
    """(1, bands, H, W) float32 of (H, W) or (H, W, bands)."""
    bands_last = pixels if pixels.ndim == 3 else pixels[..., None]
    return torch.from_numpy(bands_last).to(device).permute(2, 0, 1)[None].float()


def normalise(pixels: Any, model: nn.Module) -> Any:  # a tensor for a tensor, a mapping for a mapping
    """(B, bands, H, W) grey values shifted and scaled by the model's `data_preprocessor`; SAR as it prepares it.

    Of several modalities, each by its own preprocessor.
    """
    preprocessor = model.get_submodule("data_preprocessor")
    if isinstance(preprocessor, MultimodalPreprocessor):
        return {name: _normalise(pixels[name], part) for name, part in preprocessor.preprocessors.items()}
    return _normalise(pixels, preprocessor)


def window_starts(length: int, window: int, stride: int) -> list[int]:
    """First pixels of the windows that cover 0..length-1; the last one is moved back to end at the border."""
    if length <= window:
        return [0]
    return [*range(0, length - window, stride), length - window]


def _strips(
    model: nn.Module, scaled: Bands, views: Sequence[View], rows: Axis, columns: Axis, settings: SlidingWindow
) -> Iterator[tuple[list[Tensor], Sequence[Piece]]]:
    """Per view of one scale: (C, h', W) logits of every row of windows, and what makes the image of them."""
    windows = _window_logits(model, scaled, views, rows, columns, settings)
    for view in views:
        strips = []
        for _ in rows.starts:
            logits = list(islice(windows, len(columns.starts)))
            across = merge_pieces(columns, logits[0].shape[-1], view.flips_columns, logits[0].device)
            strips.append(merge_strip(logits, across, columns.length))
        yield strips, merge_pieces(rows, strips[0].shape[-2], view.flips_rows, strips[0].device)


def _window_logits(
    model: nn.Module, scaled: Bands, views: Sequence[View], rows: Axis, columns: Axis, settings: SlidingWindow
) -> Iterator[Tensor]:
    """(C, h', w') float32 logits of every window of every view, row by row.

    Sides that are no multiple of `DIVISOR` are padded with the mean grey value.
    """
    height, width = rows.window, columns.window
    places = [(view, top, left) for view in views for top in rows.starts for left in columns.starts]
    device = parts_of(scaled)[0].device
    batch = settings.batch or (1 if device.type == "cpu" else GPU_BATCH)
    for first in range(0, len(places), batch):
        windows: list[Bands] = []
        for view, top, left in places[first : first + batch]:
            # Windows lie in the mirrored image: there, the last one is moved back at the other border.
            upper = rows.scaled - top - height if view.flips_rows else top
            leftmost = columns.scaled - left - width if view.flips_columns else left
            windows.append(_window(scaled, view, slice(upper, upper + height), slice(leftmost, leftmost + width)))
        padded = _padded_batch(windows, columns.padded - width, rows.padded - height)
        with torch.autocast(device.type, torch.bfloat16, enabled=settings.dtype == "bf16"):
            logits = model(padded, mode="tensor")
        yield from logits.float()


def _normalise(pixels: Tensor, preprocessor: nn.Module) -> Tensor:
    if isinstance(preprocessor, SarPreprocessor):
        return preprocessor.normalise(pixels)
    mean, std = (preprocessor.get_buffer(name).to(pixels.device) for name in ("mean", "std"))
    return (pixels - mean) / std


def _window(scaled: Bands, view: View, rows: slice, columns: slice) -> Bands:
    return each(scaled, lambda bands: view.mirror(bands[..., rows, columns]))


def _padded_batch(windows: Sequence[Bands], right: int, below: int) -> Bands:
    """Windows (1, bands, h, w) as one batch (B, bands, h + below, w + right), of every modality."""
    first = windows[0]
    if isinstance(first, Mapping):
        return {name: _padded_batch([window[name] for window in windows], right, below) for name in first}
    return F.pad(torch.cat([*windows]), (0, right, 0, below))


def _resize(tensor: Tensor, size: tuple[int, int]) -> Tensor:
    if tensor.shape[-2:] == size:
        return tensor
    bands = tensor.shape[1]
    if tensor.stride(1) == 0:  # equal bands, see SarPreprocessor
        tensor = tensor[:, :1]
    # In float32 torch rounds positions: speckle scaled from 1024 to 1792 pixels is off by 6e-4 standard deviations.
    resized = F.interpolate(tensor.double(), size=size, mode="bilinear", align_corners=False)
    return resized.to(tensor.dtype).expand(-1, bands, -1, -1)
