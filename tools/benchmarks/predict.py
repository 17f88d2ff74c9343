"""Time and memory of predicting one SAR tile with test-time views, ours and plain mmseg's, from file to score file.

The plain side is mmseg's slide mode on three equal bands, one view after the other, with its padding of every window
to the whole image; it averages the softmax in float32 and writes raw bytes. Both sides have the same weights. Beside
other work (the first line tells the load) the ratios say little. The last line is a JSON object: `speedup_<dtype>` is
plain seconds / our seconds, `memory` is our peak memory / the plain one (of the first dtype), `max_diff_<dtype>` the
largest difference of a probability.
"""

from __future__ import annotations

import argparse
import functools
import json
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from mmseg.registry import MODELS
from torch import nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.grid import read_georeference
from landcover.images.raster import read_sar
from landcover.networks.model_file import ModelInfo, load_model, save_model
from landcover.prediction.arguments import add_view_arguments, prediction_settings
from landcover.prediction.sliding_window import DIVISOR, PREDICTION_DTYPES, predict_probabilities
from landcover.prediction.views import FLIPS, View
from landcover.prediction.write_scores import PredictionSettings, write_probabilities
from landcover.registry import register_all
from landcover.report.text_table import text_table
from tools.benchmarks._machine import add_machine_arguments, begin_on_machine
from tools.benchmarks._measure import PAIR_HEADS, Call, Cost, pair_cells, take_turns
from tools.benchmarks._plain_prediction import BANDS, plain_logits, plain_model
from tools.benchmarks._sar_tiles import training_of, write_tiles

SCALES = (0.5, 0.75, 1.0, 1.25, 1.5, 1.75)

SPREAD = 0.1
"""Standard deviation of the last layer's random weights: the likeliest class then has a probability of about 0.7; of
models trained on the demo scenes it has 0.58 to 0.68 on average. `max_diff_bf16` grows with it: 0.004 with 0.05, 0.008
with 0.1, 0.013 with 0.2 (a tile of 192, windows of 128, 6 views); two trained models gave 0.003 and 0.004. mmseg's 0.01
would make all classes equal, whatever a side does."""


def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    views = len(arguments.scales) * len(arguments.flips)
    device = begin_on_machine(arguments, f"tile {arguments.tile}, window {arguments.window}, {views} views")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_inputs(folder, arguments.tile, arguments.window)
        costs, differences = _measure(folder, arguments, device)
    # Four digits, not four decimals as `print_result` has it: differences are small.
    print(json.dumps({name: float(f"{value:.4g}") for name, value in ratios(costs, differences).items()}), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tile", type=int, default=1024, help="side of the tile")
    parser.add_argument("--window", type=int, default=512, help="side of the windows")
    parser.add_argument("--dtypes", nargs="+", choices=list(PREDICTION_DTYPES), default=list(PREDICTION_DTYPES))
    parser.add_argument("--repeats", type=int, default=2, help="timed predictions of each side")
    parser.add_argument("--warm-up", type=int, default=0, help="predictions of each side before that")
    add_machine_arguments(parser, threads="a side", cuda="networks")
    add_view_arguments(parser)
    parser.set_defaults(scales=list(SCALES), flips=list(FLIPS))
    arguments = parser.parse_args()
    sides = {min(arguments.window, View(scale).size(arguments.tile, arguments.tile)[0]) for scale in arguments.scales}
    uneven = sorted(side for side in sides if side % DIVISOR)
    if uneven:
        parser.error(f"windows of {uneven[0]} pixels are padded to a multiple of {DIVISOR} by us and not by mmseg")
    return arguments


def write_inputs(folder: Path, tile: int, window: int) -> None:
    """Writes a tile and a model (SegFormer with MiT-B0, random weights) into `folder`."""
    write_tiles(folder, 1, tile)
    network = training_of(folder, crop_size=32).config.model
    torch.manual_seed(0)
    model = MODELS.build(network)
    model.init_weights()
    nn.init.normal_(model.decode_head.conv_seg.weight, std=SPREAD)
    info = ModelInfo("benchmark", "sar", OPEN_EARTH_MAP, window)
    save_model(folder / "model.pth", info, network.to_dict(), model.state_dict())


def _measure(
    folder: Path, arguments: argparse.Namespace, device: str
) -> tuple[dict[tuple[str, str], Cost], dict[str, float]]:
    """Cost by data type and side, largest difference by data type; prints a row for each pair of sides."""
    costs: dict[tuple[str, str], Cost] = {}
    differences = {}
    rows = [("predicting", *PAIR_HEADS, "difference")]
    for dtype in arguments.dtypes:
        settings = prediction_settings(argparse.Namespace(**{**vars(arguments), "dtype": dtype}), "probability")
        builds = {
            name: functools.partial(build, folder, settings, device, arguments.threads)
            for name, build in (("plain", build_plain), ("ours", build_ours))
        }
        measured = take_turns(builds, arguments.repeats, arguments.warm_up, device)
        costs.update({(dtype, side): cost for side, cost in measured.items()})
        differences[dtype] = largest_difference(folder)
        rows.append((dtype, *pair_cells(measured["plain"], measured["ours"], digits=2), f"{differences[dtype]:.1e}"))
    print(f"\n{text_table(rows)}", flush=True)
    return costs, differences


def build_ours(folder: Path, settings: PredictionSettings, device: str, threads: int) -> Call:
    """The prediction stage, for the one tile of `folder`."""
    torch.set_num_threads(threads)
    register_all()
    model, info = load_model(folder / "model.pth", torch.device(device))
    tile, window = next(folder.glob("images/*")), settings.sliding_window(info.window)

    def predict() -> None:
        probabilities = predict_probabilities(model, read_sar(tile).pixels, window, torch.device(device)).cpu().numpy()
        write_probabilities(folder / "ours.tif", probabilities, info, settings.encoding, read_georeference(tile))
        np.save(folder / "ours.npy", probabilities)

    return predict


def build_plain(folder: Path, settings: PredictionSettings, device: str, threads: int) -> Call:
    """mmseg's slide mode, one view after the other, for the one tile of `folder`."""
    torch.set_num_threads(threads)
    register_all()
    model = plain_model(folder / "model.pth", settings.stride).to(device)
    tile, views = next(folder.glob("images/*")), settings.sliding_window(1).views

    @torch.no_grad()
    def predict() -> None:
        image = np.repeat(read_sar(tile).pixels[..., None], BANDS, axis=-1).astype(np.float32)
        total = torch.zeros((model.out_channels, *image.shape[:2]), device=device)
        for view in views:
            total += plain_logits(model, image, view, settings.dtype).softmax(1)[0]
        probabilities = total.div_(len(views)).cpu().numpy()
        np.rint(255 * probabilities).astype(np.uint8).tofile(folder / "plain.raw")
        np.save(folder / "plain.npy", probabilities)

    return predict


def ratios(costs: Mapping[tuple[str, str], Cost], differences: Mapping[str, float]) -> dict[str, float]:
    """The JSON object of costs by data type and side and differences by data type."""
    first = next(iter(differences))
    return {
        **{f"speedup_{dtype}": costs[dtype, "plain"].seconds / costs[dtype, "ours"].seconds for dtype in differences},
        "memory": costs[first, "ours"].memory / costs[first, "plain"].memory,
        **{f"max_diff_{dtype}": difference for dtype, difference in differences.items()},
    }


def largest_difference(folder: Path) -> float:
    """Between the probabilities that both sides kept in `folder`."""
    plain, ours = (np.load(folder / f"{side}.npy") for side in ("plain", "ours"))
    return float(np.abs(plain - ours).max())


if __name__ == "__main__":
    main()
