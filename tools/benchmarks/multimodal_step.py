"""Time and memory of training a SAR model beside an optical branch, and of training both networks by themselves.

All sides train from random weights on the same batches, in which labelled pairs, unlabelled ones and SAR images alone
have the shares of the config. Beside other work (the first line tells the load) steps take longer, and the ratio says
little. The last line is a JSON object: `ratio` is seconds of a step together / the sum of a step of each, `memory` is
peak memory together / the sum of both peaks.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import tempfile
from pathlib import Path
from typing import Any

import torch
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS

from landcover.classes import IGNORE_INDEX, UNLABELLED_INDEX
from landcover.data_sets.training_tiles import TrainingTile
from landcover.demo_scenes.looks import SUMMER
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.sar import draw_sensor, render_sar
from landcover.errors import command
from landcover.images.modality import Modality
from landcover.networks.branch_mean import BRANCHES
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config
from landcover.training.training import Training
from stage2_sar_seg.multimodal.pair_tiles import TrainingPairs
from stage2_sar_seg.multimodal.pair_training import OpticalBranch, beside_optical, optical_config
from stage2_sar_seg.sar_training import sar_config, sar_training
from tools.benchmarks._machine import add_machine_arguments, begin_on_machine
from tools.benchmarks._measure import MEBIBYTE, Call, Cost, print_result, take_turns
from tools.benchmarks._shifted_tiles import write_shifted_tiles
from tools.benchmarks._training_step import collated

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "configs" / "demo" / "sar_segformer_efficientnet_lite0.py"
DEFAULTS = ROOT / "configs" / "_base_" / "multimodal" / "dllr.py"

TOGETHER = "together"

BATCHES = 4
"""Batches that a side trains on in turn."""


@command
def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    training = functools.partial(training_of, config=arguments.config, options=arguments.option)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_pairs(folder, arguments.tiles, arguments.tile)
        config = training(folder).config
        batch = arguments.batch or config.train_dataloader.batch_size
        device = begin_on_machine(arguments, f"{arguments.config.stem}; batch {batch}, {config.crop_size} px")
        place = (folder, arguments.config, arguments.option, batch, device, arguments.threads)
        builds = {side: functools.partial(build, side, *place) for side in (*BRANCHES, TOGETHER)}
        costs = take_turns(builds, arguments.repeats, warm_up=2, device=device)
    print(text_table([("step", "s", "MiB"), *(_cells(side, cost) for side, cost in costs.items())]))
    print_result(ratios(costs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="SAR model")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one config value")
    parser.add_argument("--batch", type=int, help="samples per step; default: the config's")
    parser.add_argument("--repeats", type=int, default=15, help="timed steps of each side")
    parser.add_argument("--tiles", type=int, default=8, help="generated tiles")
    parser.add_argument("--tile", type=int, default=512, help="their side, pixels")
    add_machine_arguments(parser, threads="a step", cuda="steps")
    return parser.parse_args()


def write_pairs(folder: Path, count: int, side: int) -> None:
    """Writes `count` optical and SAR images of the same places and their label maps, see `write_shifted_tiles`."""
    write_shifted_tiles(folder / "optical", count, side, lambda scene, rng: render_optical(scene, SUMMER, rng))
    write_shifted_tiles(
        folder / "sar", count, side, lambda scene, rng: render_sar(scene, draw_sensor(rng, misregistered=False), rng)
    )


def training_of(folder: Path, config: Path, options: list[str]) -> Training:
    """The training of a SAR model beside an optical branch: half of the pairs have labels, two SAR tiles are alone.

    Args:
        folder: see `write_pairs`.
        config: of a SAR model.
        options: further `key.key=value` on top of it.
    """
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    loaded = load_config(config, options, stage=2, defaults=DEFAULTS)
    images = sorted((folder / "sar" / "images").iterdir())
    changed = sar_config(loaded, band_statistics(images))
    labels = [folder / "sar" / "labels" / path.name for path in images]
    pairs = [{"optical": folder / "optical" / "images" / path.name, "sar": path} for path in images]
    half = len(images) // 2
    labelled = [TrainingTile(path, label) for path, label in zip(images[:half], labels[:half], strict=True)]
    optical = optical_config(loaded, changed).model
    tiles = TrainingPairs(
        [TrainingTile(pair, label) for pair, label in zip(pairs[:half], labels[:half], strict=True)],
        [TrainingTile(pair) for pair in pairs[half:]],
        [TrainingTile(path) for path in images[:2]],
    )
    alone = sar_training("benchmark", changed, changed.model, labelled, None, folder / "run", seed=0)
    return beside_optical(alone, changed.model, None, OpticalBranch(optical, optical), tiles)


def build(
    side: Modality | str, folder: Path, config: Path, options: list[str], batch: int, device: str, threads: int
) -> Call:
    """One training step of one network by itself, or of both together, on batches loaded before."""
    torch.set_num_threads(threads)
    training = training_of(folder, config, options)
    loaded = [collated(training, batch, number) for number in range(BATCHES)]
    batches = itertools.cycle(loaded if side == TOGETHER else [of_one(data, side) for data in loaded])
    torch.manual_seed(0)
    model = MODELS.build(training.trained if side == TOGETHER else training.trained[side])
    model.init_weights()
    wrapper = build_optim_wrapper(model.train(), training.config.optim_wrapper)
    model.to(device)
    steps = itertools.count(1)

    def step() -> None:
        model.progress = min(1.0, next(steps) / training.config.iterations)
        model.train_step(next(batches), wrapper)

    return step


def of_one(data: dict[str, Any], modality: str) -> dict[str, Any]:
    """The batch of one modality, as a training of that alone has it."""
    for sample in data[modality]["data_samples"]:
        labels = sample.gt_sem_seg.data
        sample.gt_sem_seg.data = labels.masked_fill(labels == UNLABELLED_INDEX, IGNORE_INDEX)
    found: dict[str, Any] = data[modality]
    return found


def ratios(costs: dict[str, Cost]) -> dict[str, float]:
    """The JSON object."""
    together, alone = costs[TOGETHER], [costs[name] for name in BRANCHES]
    return {
        "ratio": together.seconds / sum(cost.seconds for cost in alone),
        "memory": together.memory / sum(cost.memory for cost in alone),
    }


def _cells(side: str, cost: Cost) -> tuple[str, ...]:
    return side, f"{cost.seconds:.3f}", f"{cost.memory / MEBIBYTE:.0f}"


if __name__ == "__main__":
    main()
