"""Command-line arguments of prediction, the same in both stages."""

from __future__ import annotations

import argparse
import math

from landcover.errors import InputError
from landcover.networks.engines import ENGINES
from landcover.prediction.merging import WEIGHTINGS
from landcover.prediction.sliding_window import GPU_BATCH, PREDICTION_DTYPES
from landcover.prediction.views import FLIPS
from landcover.prediction.write_scores import PredictionSettings
from landcover.score_files.score_file import Encoding


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--scales`, `--flips`, `--stride`, `--weighting`, `--dtype`, `--batch` and `--engine`."""
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0], help="scales of the test-time views")
    parser.add_argument("--flips", nargs="+", default=["none"], help=f"flips of the test-time views: {' '.join(FLIPS)}")
    parser.add_argument("--stride", type=float, default=0.5, help="step between windows as a share of the window")
    parser.add_argument(
        "--weighting", default="uniform", help="of overlapping windows: uniform, or cosine, which shows no seams"
    )
    parser.add_argument("--dtype", default="fp32", help="of the network: fp32, or bf16, in which only it runs")
    parser.add_argument(
        "--batch", type=int, help=f"windows predicted at once: 1 on CPUs, {GPU_BATCH} on GPUs if left out"
    )
    parser.add_argument("--engine", help=f"what runs .onnx files: {' or '.join(ENGINES)}, the first if left out")


def prediction_settings(arguments: argparse.Namespace, encoding: Encoding) -> PredictionSettings:
    """The parsed arguments, checked.

    Raises:
        InputError: a value that means nothing.
    """
    unknown = [flip for flip in arguments.flips if flip not in FLIPS]
    if unknown:
        raise InputError(
            f"FLIPS: expected some of {', '.join(FLIPS)}, found {unknown[0]!r}; correct the profile or --flips"
        )
    useless = [scale for scale in arguments.scales if not 0 < scale < math.inf]
    if useless:
        raise InputError(f"SCALES: expected factors above 0, found {useless[0]}; correct the profile or --scales")
    if not 0 < arguments.stride <= 1:
        raise InputError(
            f"STRIDE: expected a share of the window in (0, 1], found {arguments.stride}; correct the profile or "
            "--stride"
        )
    for name, value, known in (
        ("PREDICTION_DTYPE", arguments.dtype, PREDICTION_DTYPES),
        ("--weighting", arguments.weighting, WEIGHTINGS),
        ("ENGINE", arguments.engine or ENGINES[0], ENGINES),
    ):
        if value not in known:
            raise InputError(f"{name}: expected {' or '.join(known)}, found {value!r}; correct it")
    if arguments.batch is not None and arguments.batch < 1:
        raise InputError(f"--batch: expected at least 1, found {arguments.batch}; correct it")
    return PredictionSettings(
        scales=tuple(arguments.scales),
        flips=tuple(arguments.flips),
        stride=arguments.stride,
        encoding=encoding,
        weighting=arguments.weighting,
        dtype=arguments.dtype,
        batch=arguments.batch,
        engine=arguments.engine,
    )
