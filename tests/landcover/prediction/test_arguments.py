import argparse

import pytest

from landcover.errors import InputError
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.write_scores import PredictionSettings


def parsed(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_view_arguments(parser)
    return parser.parse_args(words)


def test_without_arguments_one_view_with_half_a_window_of_stride() -> None:
    settings = prediction_settings(parsed(), "logit")
    assert settings == PredictionSettings((1.0,), ("none",), 0.5, "logit", "uniform", "fp32", batch=None)


def test_arguments_arrive_in_the_settings() -> None:
    words = "--scales 0.5 1.75 --flips none both --stride 1 --weighting cosine --dtype bf16 --batch 4 --engine openvino"
    settings = prediction_settings(parsed(*words.split()), "probability")
    assert settings == PredictionSettings(
        (0.5, 1.75), ("none", "both"), 1.0, "probability", "cosine", "bf16", 4, "openvino"
    )
    window = settings.sliding_window(64)
    assert (window.weighting, window.dtype, window.batch) == ("cosine", "bf16", 4)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--flips none diagonal", "FLIPS: expected some of none, horizontal, vertical, both, found 'diagonal'"),
        ("--scales 1 0", "SCALES: expected factors above 0, found 0.0"),
        ("--scales 1 -0.5", "SCALES: expected factors above 0, found -0.5"),
        ("--scales nan 1", "SCALES: expected factors above 0, found nan"),
        ("--scales 1 inf", "SCALES: expected factors above 0, found inf"),
        ("--stride 0", r"STRIDE: expected a share of the window in \(0, 1\], found 0.0"),
        ("--stride 1.5", r"STRIDE: expected a share of the window in \(0, 1\], found 1.5"),
        ("--dtype fp16", "PREDICTION_DTYPE: expected fp32 or bf16, found 'fp16'"),
        ("--engine tensorrt", "ENGINE: expected onnxruntime or openvino, found 'tensorrt'"),
        ("--weighting gauss", "--weighting: expected uniform or cosine, found 'gauss'"),
        ("--batch 0", "--batch: expected at least 1, found 0"),
    ],
)
def test_values_that_mean_nothing_are_refused_naming_the_variable(words: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        prediction_settings(parsed(*words.split()), "logit")


@pytest.mark.parametrize(("window", "share", "stride"), [(768, 0.5, 384), (33, 0.5, 16), (64, 1.0, 64), (4, 0.01, 1)])
def test_the_stride_is_a_share_of_the_window_and_at_least_one_pixel(window: int, share: float, stride: int) -> None:
    settings = PredictionSettings(scales=(0.5, 1.0), flips=("none", "both"), stride=share).sliding_window(window)
    assert (settings.window, settings.stride) == (window, stride)
    assert [(view.scale, view.flip) for view in settings.views] == [
        (0.5, "none"),
        (0.5, "both"),
        (1.0, "none"),
        (1.0, "both"),
    ]
