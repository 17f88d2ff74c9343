"""Command-line arguments of prediction, the same in both stages."""

from __future__ import annotations

import argparse
import math

from landcover.errors import InputError
from landcover.prediction.views import FLIPS
from landcover.prediction.write_scores import PredictionSettings
from landcover.score_file import Encoding


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--scales`, `--flips` and `--stride`."""
    parser.add_argument("--scales", nargs="+", type=float, default=[1.0], help="scales of the test-time views")
    parser.add_argument("--flips", nargs="+", default=["none"], help=f"flips of the test-time views: {' '.join(FLIPS)}")
    parser.add_argument("--stride", type=float, default=0.5, help="step between windows as a share of the window")


def prediction_settings(arguments: argparse.Namespace, encoding: Encoding) -> PredictionSettings:
    """The parsed arguments, checked.

    Raises:
        InputError: a scale, flip or stride that means nothing.
    """
    unknown = [flip for flip in arguments.flips if flip not in FLIPS]
    if unknown:
        raise InputError(f"FLIPS: expected some of {', '.join(FLIPS)}, found {unknown[0]!r}; correct the profile")
    useless = [scale for scale in arguments.scales if not 0 < scale < math.inf]
    if useless:
        raise InputError(f"SCALES: expected factors above 0, found {useless[0]}; correct the profile")
    if not 0 < arguments.stride <= 1:
        raise InputError(
            f"STRIDE: expected a share of the window in (0, 1], found {arguments.stride}; correct the profile"
        )
    return PredictionSettings(tuple(arguments.scales), tuple(arguments.flips), arguments.stride, encoding)
