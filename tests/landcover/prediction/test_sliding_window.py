from collections.abc import Callable, Sequence

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from mmengine.config import ConfigDict
from numpy.typing import NDArray
from torch import Tensor, nn

from landcover.prediction.sliding_window import SlidingWindow, normalise, predict_probabilities, window_starts
from landcover.prediction.views import FLIPS, View, make_views

CPU = torch.device("cpu")


def random_image(seed: int, *shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


def resized(tensor: Tensor, height: int, width: int) -> Tensor:
    return F.interpolate(tensor, size=(height, width), mode="bilinear", align_corners=False)


def plain_starts(length: int, window: int, stride: int) -> list[int]:
    starts = [0]
    while starts[-1] + window < length:
        starts.append(min(starts[-1] + stride, length - window))
    return starts


def plain_logits(model: nn.Module, image: Tensor, window: int, stride: int) -> Tensor:
    """Every window alone: padded to a multiple of 32 with the mean grey value, predicted, cut, averaged."""
    height, width = image.shape[-2:]
    sums: dict[tuple[int, int], list[Tensor]] = {}
    for top in plain_starts(height, window, stride):
        for left in plain_starts(width, window, stride):
            patch = image[:, :, top : top + window, left : left + window]
            rows, columns = patch.shape[-2:]
            padded = patch.new_zeros((1, patch.shape[1], -(-rows // 32) * 32, -(-columns // 32) * 32))
            padded[:, :, :rows, :columns] = patch
            logits = resized(model(padded, mode="tensor"), *padded.shape[-2:])
            for row in range(rows):
                for column in range(columns):
                    sums.setdefault((top + row, left + column), []).append(logits[0, :, row, column])
    means = [torch.stack(sums[row, column]).mean(0) for row in range(height) for column in range(width)]
    return torch.stack(means, dim=1).reshape(1, -1, height, width)


@torch.no_grad()
def plain_probabilities(
    model: nn.Module, image: NDArray[np.uint8], window: int, stride: int, views: Sequence[tuple[float, str]]
) -> Tensor:
    bands = image.astype(np.float64) if image.ndim == 3 else image.astype(np.float64)[..., None]
    height, width = bands.shape[:2]
    pixels = torch.from_numpy(bands.transpose(2, 0, 1).copy())[None]
    pixels = (pixels - model.data_preprocessor.mean) / model.data_preprocessor.std
    total = torch.zeros((), dtype=torch.float64)
    for scale, flip in views:
        axes = {"none": (), "horizontal": (3,), "vertical": (2,), "both": (2, 3)}[flip]
        scaled = resized(pixels, round(height * scale), round(width * scale))
        logits = plain_logits(model, scaled.flip(axes), window, stride).flip(axes)
        total = total + resized(logits, height, width).softmax(1)
    return total[0] / len(views)


@pytest.mark.parametrize(
    ("shape", "window", "stride"),
    [
        ((45, 70, 3), 32, 16),  # odd sizes
        ((33, 97), 32, 31),  # windows overlap by one pixel, one band
        ((20, 90, 3), 64, 32),  # lower than the window
        ((7, 5, 3), 64, 32),  # smaller than the window in both directions
        ((61, 50, 3), 40, 30),  # window no multiple of 32
        ((64, 64, 3), 32, 32),  # side by side
    ],
)
def test_equals_predicting_every_view_and_window_alone(
    strided_network: Callable[..., nn.Module], shape: tuple[int, ...], window: int, stride: int
) -> None:
    model = strided_network(bands=3 if len(shape) == 3 else 1)
    image = random_image(1, *shape)
    views = make_views([0.75, 1.0, 1.3], FLIPS)
    result = predict_probabilities(model, image, SlidingWindow(window, stride, views), CPU)
    expected = plain_probabilities(model, image, window, stride, [(view.scale, view.flip) for view in views])
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), expected, rtol=0, atol=1e-6)
    torch.testing.assert_close(result.sum(0), torch.ones(shape[:2]), rtol=0, atol=1e-6)


def tiny_segmentor() -> ConfigDict:
    return ConfigDict(
        type="EncoderDecoder",
        data_preprocessor={"type": "SegDataPreProcessor", "mean": [120.0, 110.0, 100.0], "std": [60.0, 55.0, 50.0]},
        backbone={"type": "FastMixVisionTransformer", "embed_dims": 8, "num_layers": (1, 1, 1, 1)},
        decode_head={
            "type": "FastSegformerHead",
            "in_channels": [8, 16, 40, 64],
            "in_index": [0, 1, 2, 3],
            "channels": 16,
            "num_classes": 8,
            "align_corners": False,
        },
        test_cfg={"mode": "slide", "crop_size": (64, 64), "stride": (48, 48)},
    )


@pytest.mark.usefixtures("registered")
def test_one_view_equals_the_slide_mode_of_mmsegmentation() -> None:
    from mmseg.registry import MODELS

    torch.manual_seed(0)
    model = MODELS.build(tiny_segmentor())
    model.init_weights()
    nn.init.normal_(model.decode_head.conv_seg.weight, std=2.0)
    model.double().eval()
    image = random_image(2, 101, 150, 3)
    pixels = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].double(), model)
    with torch.no_grad():
        logits = model.slide_inference(pixels, [{"img_shape": (101, 150), "ori_shape": (101, 150)}])
    result = predict_probabilities(model, image, SlidingWindow(64, 48), CPU)
    assert float(result.amax(0).max() - result.amax(0).min()) > 0.05
    torch.testing.assert_close(result.double(), logits.softmax(1)[0], rtol=0, atol=1e-6)


def test_constant_logits_give_constant_probabilities(strided_network: Callable[..., nn.Module]) -> None:
    model = strided_network(constant=True)
    views = make_views([0.5, 1.0, 1.7], FLIPS)
    result = predict_probabilities(model, random_image(3, 75, 40, 3), SlidingWindow(32, 20, views), CPU)
    expected = model.far.bias.detach().softmax(0).float()
    torch.testing.assert_close(result, expected[:, None, None].expand(-1, 75, 40), rtol=0, atol=1e-6)


def test_a_mirrored_image_gives_mirrored_probabilities_when_all_flips_are_averaged(
    strided_network: Callable[..., nn.Module],
) -> None:
    model, image = strided_network(), random_image(4, 64, 64, 3)
    settings = SlidingWindow(64, 64, make_views([1.0], FLIPS))
    result = predict_probabilities(model, image, settings, CPU)
    mirrored = predict_probabilities(model, image[:, ::-1].copy(), settings, CPU)
    torch.testing.assert_close(mirrored.flip(-1), result, rtol=0, atol=1e-6)


def test_prediction_leaves_the_image_alone_and_keeps_no_graph(strided_network: Callable[..., nn.Module]) -> None:
    image = random_image(5, 40, 40, 3)
    before = image.copy()
    result = predict_probabilities(strided_network(), image, SlidingWindow(32, 16), CPU)
    assert not result.requires_grad
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize("dtype", [np.uint16, np.float32])
def test_grey_values_of_other_types_are_read_as_they_are(
    strided_network: Callable[..., nn.Module], dtype: type
) -> None:
    model, image = strided_network(bands=1), random_image(6, 50, 40)
    settings = SlidingWindow(32, 16)
    expected = predict_probabilities(model, image, settings, CPU)
    assert torch.equal(predict_probabilities(model, image.astype(dtype), settings, CPU), expected)


@pytest.mark.parametrize(
    ("length", "window", "stride", "starts"),
    [
        (10, 4, 2, [0, 2, 4, 6]),
        (11, 4, 3, [0, 3, 6, 7]),
        (10, 4, 4, [0, 4, 6]),
        (5, 4, 3, [0, 1]),
        (4, 4, 1, [0]),
        (3, 4, 2, [0]),
    ],
)
def test_windows_cover_the_side_and_the_last_one_ends_at_the_border(
    length: int, window: int, stride: int, starts: list[int]
) -> None:
    assert window_starts(length, window, stride) == starts


@pytest.mark.parametrize("stride", [0, 33])
def test_strides_that_leave_gaps_are_refused(stride: int) -> None:
    with pytest.raises(ValueError, match=rf"stride {stride} must be in 1..window \(32\)"):
        SlidingWindow(32, stride, (View(),))
