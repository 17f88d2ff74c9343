"""Seconds in which the offset of a SAR and an optical image is found, and what Fourier transforms save.

The pair is a demo scene whose SAR image lies 1 to 3 pixels off; the table tells how far the offset that is found is
from the true one. Coefficients of random patches are compared with the direct sum before those are timed. Beside other
work (the first line tells the load) seconds say little, CPU seconds of all threads more. The last line is a JSON
object: `seconds_per_pair` is that of the matcher `descriptor`, `fft_speedup` the seconds of the direct sum / ours.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from landcover.demo_scenes.layout import CITY, lay_out
from landcover.demo_scenes.looks import LATE_AUTUMN
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.sar import draw_sensor, render_sar
from landcover.images.no_data import Raster
from landcover.report.text_table import text_table
from stage2_sar_seg.registration.build import build_matcher
from stage2_sar_seg.registration.correlation import normalized_cross_correlation
from stage2_sar_seg.registration.tile_offset import TileOffset, register_tile
from tools.benchmarks._measure import Call, cpu_seconds, print_result, take_turns
from tools.benchmarks._plain_correlation import direct_sum

MATCHERS = ("descriptor", "phase")

SIDES = {"direct sum": direct_sum, "ours": normalized_cross_correlation}

TOLERANCE = 1e-4
"""Largest difference of a coefficient that is fair."""

Pair = tuple[Raster, Raster, tuple[float, float]]
"""SAR image, optical image, and the offset between them: rows and columns, optical minus SAR position."""


def main() -> None:
    """Prints two tables and, last, the JSON object."""
    arguments = _arguments()
    window = arguments.patch + 2 * arguments.search
    sizes = f"tile {arguments.tile}; patch {arguments.patch} in {window}, {arguments.channels} channels"
    print(f"CPU, {arguments.threads} threads; torch {torch.__version__}; {sizes}; load {os.getloadavg()[0]:.1f}")
    seconds_per_pair = _time_pairs(arguments)
    print_result({"seconds_per_pair": seconds_per_pair, "fft_speedup": _time_correlation(arguments, window)})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tile", type=int, default=1024, help="side of the pair, pixels")
    parser.add_argument("--patch", type=int, default=192, help="side of the patches that are correlated, pixels")
    parser.add_argument("--search", type=int, default=32, help="margin of their windows, pixels")
    parser.add_argument("--channels", type=int, default=6, help="channels of both, as the descriptor has")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads")
    parser.add_argument("--repeats", type=int, default=3, help="timed calls of each side")
    return parser.parse_args()


def demo_pair(side: int) -> Pair:
    """A demo scene of `side` x `side` pixels as both sensors see it."""
    rng = np.random.default_rng(0)
    scene = lay_out(rng, side, side, CITY)
    optical = render_optical(scene, LATE_AUTUMN, rng)
    sensor = draw_sensor(rng, misregistered=True)
    return Raster(render_sar(scene, sensor, rng)), Raster(optical), (-sensor.shift[0], -sensor.shift[1])


def random_patches(channels: int, patch: int, window: int) -> tuple[Tensor, Tensor]:
    """Template (1, channels, patch, patch) and window, of which it is a part but for noise."""
    generator = torch.Generator().manual_seed(0)
    image = torch.randn(1, channels, window, window, generator=generator)
    part = image[..., :patch, :patch]
    return part + torch.randn(part.shape, generator=generator), image


def build_registration(matcher: str, pair: Pair, threads: int) -> Callable[[], TileOffset]:
    """Finds the offset of a pair."""
    torch.set_num_threads(threads)
    built = build_matcher(matcher, torch.device("cpu"))
    return lambda: register_tile(built, pair[0], pair[1], "pair")


def build_correlation(side: str, channels: int, patch: int, window: int, threads: int) -> Call:
    """Correlates one patch with its window."""
    torch.set_num_threads(threads)
    return functools.partial(SIDES[side], *random_patches(channels, patch, window))


def difference(channels: int, patch: int, window: int) -> float:
    """Largest difference of a coefficient from the direct sum in float64."""
    template, image = random_patches(channels, patch, window)
    expected = direct_sum(template.double(), image.double())
    return float((normalized_cross_correlation(template, image) - expected).abs().max())


def _time_pairs(arguments: argparse.Namespace) -> float:
    """Seconds of `descriptor`; prints those of all."""
    pair = demo_pair(arguments.tile)
    builds = {name: functools.partial(build_registration, name, pair, arguments.threads) for name in MATCHERS}
    costs = take_turns(builds, arguments.repeats)
    rows = [("matcher", "s per pair", "CPU s", "pixels off", "status")]
    for name, cost in costs.items():
        call = build_registration(name, pair, arguments.threads)
        result, cpu = call(), cpu_seconds(call)
        off = "" if result.found is None else f"{np.hypot(*np.subtract(result.found, pair[2])):.2f}"
        rows.append((name, f"{cost.seconds:.2f}", f"{cpu:.2f}", off, result.status))
    print(f"\n{text_table(rows)}", flush=True)
    return costs["descriptor"].seconds


def _time_correlation(arguments: argparse.Namespace, window: int) -> float:
    """Seconds of the direct sum / ours; prints both."""
    sizes = (arguments.channels, arguments.patch, window)
    apart = difference(*sizes)
    if not apart <= TOLERANCE:
        sys.exit(f"error: coefficients differ by {apart:.1e} from the direct sum, rates say nothing")
    builds = {side: functools.partial(build_correlation, side, *sizes, arguments.threads) for side in SIDES}
    costs = take_turns(builds, arguments.repeats)
    speedup = costs["direct sum"].seconds / costs["ours"].seconds
    rows = [("correlation", "seconds"), *((side, f"{cost.seconds:.4f}") for side, cost in costs.items())]
    print(f"\n{text_table(rows)}\nlargest difference {apart:.1e}", flush=True)
    return speedup


if __name__ == "__main__":
    main()
