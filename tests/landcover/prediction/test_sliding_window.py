import dataclasses
import math
from collections.abc import Callable
from typing import Any

import hypothesis
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from mmengine.config import ConfigDict
from numpy.typing import NDArray
from tiny_networks import tiny_segformer
from torch import Tensor, nn

from landcover.prediction.merging import WEIGHTINGS, Weighting
from landcover.prediction.sliding_window import SlidingWindow, normalise, predict_probabilities, window_starts
from landcover.prediction.views import FLIPS, Flip, View, make_views
from landcover.sar.preprocessor import SarPreprocessor

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


def plain_profile(length: int, weighting: Weighting) -> Tensor:
    if weighting == "uniform":
        return torch.ones(length, dtype=torch.float64)
    return torch.tensor(
        [math.sin(math.pi * (place + 0.5) / length) ** 2 for place in range(length)], dtype=torch.float64
    )


def plain_logits(model: nn.Module, image: Tensor, settings: SlidingWindow) -> Tensor:
    """Every window alone: padded to a multiple of 32 with the mean grey value, predicted, cut, averaged."""
    height, width = image.shape[-2:]
    total, weight = 0.0, image.new_zeros(height, width)
    for top in plain_starts(height, settings.window, settings.stride):
        for left in plain_starts(width, settings.window, settings.stride):
            patch = image[:, :, top : top + settings.window, left : left + settings.window]
            rows, columns = patch.shape[-2:]
            padded = patch.new_zeros((1, patch.shape[1], -(-rows // 32) * 32, -(-columns // 32) * 32))
            padded[:, :, :rows, :columns] = patch
            logits = resized(model(padded, mode="tensor"), *padded.shape[-2:])[:, :, :rows, :columns]
            share = plain_profile(rows, settings.weighting)[:, None] * plain_profile(columns, settings.weighting)
            around = (left, width - left - columns, top, height - top - rows)
            total = total + F.pad(logits * share, around)
            weight = weight + F.pad(share, around)
    return total / weight


@torch.no_grad()
def plain_probabilities(model: nn.Module, image: NDArray[np.uint8], settings: SlidingWindow) -> Tensor:
    """All views alone, in float64; a grey image is repeated for a network of three bands."""
    bands = image.astype(np.float64) if image.ndim == 3 else image.astype(np.float64)[..., None]
    height, width = bands.shape[:2]
    pixels = torch.from_numpy(bands.transpose(2, 0, 1).copy())[None]
    pixels = (pixels - model.data_preprocessor.mean.double()) / model.data_preprocessor.std.double()
    pixels = pixels.repeat(1, model.near.in_channels // pixels.shape[1], 1, 1)
    total = torch.zeros((), dtype=torch.float64)
    for view in settings.views:
        axes = {"none": (), "horizontal": (3,), "vertical": (2,), "both": (2, 3)}[view.flip]
        scaled = resized(pixels, max(1, round(height * view.scale)), max(1, round(width * view.scale)))
        logits = plain_logits(model, scaled.flip(axes), settings).flip(axes)
        total = total + resized(logits, height, width).softmax(1)
    return total[0] / len(settings.views)


@pytest.mark.parametrize(
    ("shape", "window", "stride"),
    [
        ((45, 70, 3), 32, 16),  # odd sizes
        ((33, 97), 32, 31),  # windows overlap by one pixel, one band
        ((20, 90, 3), 64, 32),  # lower than the window
        ((7, 5, 3), 64, 32),  # smaller than the window in both directions
        ((61, 50, 3), 40, 30),  # window no multiple of 32
        ((64, 64, 3), 32, 32),  # side by side
        ((1, 1), 32, 16),
    ],
)
def test_equals_predicting_every_view_and_window_alone(
    strided_network: Callable[..., nn.Module], shape: tuple[int, ...], window: int, stride: int
) -> None:
    model = strided_network(bands=3 if len(shape) == 3 else 1)
    image = random_image(1, *shape)
    settings = SlidingWindow(window, stride, make_views([0.75, 1.0, 1.3], FLIPS))
    result = predict_probabilities(model, image, settings, CPU)
    assert result.dtype == torch.float32
    torch.testing.assert_close(result.double(), plain_probabilities(model, image, settings), rtol=0, atol=1e-6)
    torch.testing.assert_close(result.sum(0), torch.ones(shape[:2]), rtol=0, atol=1e-6)


@hypothesis.settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=st.tuples(st.integers(1, 90), st.integers(1, 90)),
    window=st.integers(5, 50),
    overlap=st.floats(0, 0.7),
    scales=st.sampled_from([(1.0,), (0.5, 1.0), (0.7, 1.75)]),
    flips=st.sampled_from([("none",), ("none", "both"), ("vertical", "horizontal")]),
    weighting=st.sampled_from(WEIGHTINGS),
    batch=st.sampled_from([1, 4]),
    bands=st.sampled_from([1, 3]),
)
def test_any_size_equals_predicting_every_view_and_window_alone(
    strided_network: Callable[..., nn.Module],
    shape: tuple[int, int],
    window: int,
    overlap: float,
    scales: tuple[float, ...],
    flips: tuple[Flip, ...],
    weighting: Weighting,
    batch: int,
    bands: int,
) -> None:
    model = strided_network(bands=bands)
    model.data_preprocessor = SarPreprocessor([110.0], [60.0], bands=bands)
    image = random_image(sum(shape), *shape)
    stride = max(1, round(window * (1 - overlap)))
    settings = SlidingWindow(window, stride, make_views(scales, flips), weighting, batch=batch)
    result = predict_probabilities(InDouble(model), image, settings, CPU)
    torch.testing.assert_close(result.double(), plain_probabilities(model, image, settings), rtol=0, atol=1e-4)


class InDouble(nn.Module):
    """A network of float64 for float32 images; remembers how many it got at once."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.data_preprocessor = network, network.data_preprocessor
        self.batches: list[int] = []

    def forward(self, images: Tensor, mode: str) -> Tensor:
        self.batches.append(len(images))
        return self.network(images.double(), mode=mode)


def test_a_large_image_is_scaled_without_rounding_positions(strided_network: Callable[..., nn.Module]) -> None:
    class Seen(InDouble):
        def forward(self, images: Tensor, mode: str) -> Tensor:
            self.images = images
            return super().forward(images, mode)

    model = strided_network(bands=1)
    model.data_preprocessor = SarPreprocessor([110.0], [60.0])
    seen, image = Seen(model), random_image(10, 1, 1024)
    predict_probabilities(seen, image, SlidingWindow(1792, 1792, (View(1.75),)), CPU)
    normalised = (torch.from_numpy(image)[None, None].double() - 110) / 60
    torch.testing.assert_close(seen.images[..., :2, :].double(), resized(normalised, 2, 1792), rtol=0, atol=1e-6)


def test_windows_of_all_flips_of_a_scale_are_predicted_together(strided_network: Callable[..., nn.Module]) -> None:
    image, views = random_image(7, 48, 32), make_views([1.0, 0.5], ["none", "both"])
    batches = []
    for batch in (None, 3):
        model = InDouble(strided_network(bands=1))
        predict_probabilities(model, image, SlidingWindow(32, 16, views, batch=batch), CPU)
        batches.append(model.batches)
    assert batches == [[1, 1, 1, 1, 1, 1], [3, 1, 2]]


@pytest.fixture
def tiny_segmentor(registered: None) -> nn.Module:
    """In mmsegmentation's slide mode; random weights by which classes differ."""
    from mmseg.registry import MODELS

    statistics = {"mean": [120.0, 110.0, 100.0], "std": [60.0, 55.0, 50.0]}
    slide = {"mode": "slide", "crop_size": (64, 64), "stride": (48, 48)}
    torch.manual_seed(0)
    model = MODELS.build(ConfigDict(tiny_segformer(statistics, test_cfg=slide)))
    model.init_weights()
    nn.init.normal_(model.decode_head.conv_seg.weight, std=2.0)
    return model.eval()


def test_one_view_equals_the_slide_mode_of_mmsegmentation(tiny_segmentor: nn.Module) -> None:
    model = tiny_segmentor.double()
    image = random_image(2, 101, 150, 3)
    pixels = normalise(torch.from_numpy(image).permute(2, 0, 1)[None].double(), model)
    with torch.no_grad():
        logits = model.slide_inference(pixels, [{"img_shape": (101, 150), "ori_shape": (101, 150)}])
    result = predict_probabilities(model, image, SlidingWindow(64, 48), CPU)
    assert float(result.amax(0).max() - result.amax(0).min()) > 0.05
    torch.testing.assert_close(result.double(), logits.softmax(1)[0], rtol=0, atol=1e-6)


class InBf16(nn.Module):
    """A network that runs under autocast, with float32 logits."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network, self.data_preprocessor = network, network.data_preprocessor

    def forward(self, images: Tensor, mode: str) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.network(images, mode=mode).float()


def test_in_bf16_the_network_runs_under_autocast_and_nothing_else(tiny_segmentor: nn.Module) -> None:
    model = tiny_segmentor
    image, views = random_image(8, 70, 90, 3), make_views([1.0, 1.5], FLIPS)
    settings = SlidingWindow(64, 48, views)
    result = predict_probabilities(model, image, dataclasses.replace(settings, dtype="bf16"), CPU)
    assert torch.equal(result, predict_probabilities(InBf16(model), image, settings, CPU))
    difference = (result - predict_probabilities(model, image, settings, CPU)).abs()
    assert 1e-6 < float(difference.mean()) < 5e-3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_probabilities_of_the_cpu(strided_network: Callable[..., nn.Module]) -> None:
    image, settings = random_image(9, 70, 90, 3), SlidingWindow(32, 16, make_views([0.75, 1.0], FLIPS), "cosine")
    expected = predict_probabilities(strided_network(), image, settings, CPU)
    result = predict_probabilities(strided_network().cuda(), image, settings, torch.device("cuda"))
    assert result.device.type == "cuda"
    torch.testing.assert_close(result.cpu(), expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_constant_logits_give_constant_probabilities(
    strided_network: Callable[..., nn.Module], weighting: Weighting
) -> None:
    model = strided_network(constant=True)
    settings = SlidingWindow(32, 20, make_views([0.5, 1.0, 1.7], FLIPS), weighting)
    result = predict_probabilities(model, random_image(3, 75, 40, 3), settings, CPU)
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


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"weighting": "gauss"}, "weighting 'gauss' or dtype 'fp32' is unknown"),
        ({"dtype": "fp16"}, "weighting 'uniform' or dtype 'fp16' is unknown"),
        ({"batch": 0}, "batch 0 must be at least 1"),
    ],
)
def test_unknown_settings_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SlidingWindow(32, 16, **values)


@pytest.mark.parametrize("stride", [0, 33])
def test_strides_that_leave_gaps_are_refused(stride: int) -> None:
    with pytest.raises(ValueError, match=rf"stride {stride} must be in 1..window \(32\)"):
        SlidingWindow(32, stride, (View(),))
