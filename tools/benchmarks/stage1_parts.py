"""Time and memory of self-training with the parts of a teacher's config, and without them.

Both sides train the same network from random weights on the same batches. A timed call is five steps, so that what a
part does in every fifth step counts; a part that waits for some steps begins at the first. Beside other work (the first
line tells the load) steps take longer, and the ratio says little. The last line is a JSON object: `ratio` is seconds
with parts / seconds without, `memory` is peak memory with parts / without.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import tempfile
from pathlib import Path

import torch
from mmengine import Config
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmseg.registry import MODELS

from landcover.errors import InputError, command
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.training.config import load_config
from tools.benchmarks._machine import add_machine_arguments, begin_on_machine
from tools.benchmarks._measure import Call, pair_cells, print_result, take_turns
from tools.benchmarks._optical_pairs import training_on, write_tiles
from tools.benchmarks._training_step import collated

CONFIG = Path(__file__).parents[2] / "configs" / "demo" / "teacher_segformer_efficientnet_lite0_prototypes.py"

STEPS = 5
"""Of one timed call."""

HEADS = ("five steps", "without s", "with s", "speedup", "without MiB", "with MiB", "with/without")


@command
def main() -> None:
    """Prints a table and, last, the JSON object."""
    arguments = _arguments()
    config = config_of(arguments.config, parts=True)
    batch = arguments.batch or config.train_dataloader.batch_size
    names = ", ".join(config.self_training.parts)
    device = begin_on_machine(arguments, f"{arguments.config.stem}, {names}; batch {batch}, {config.crop_size} px")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tiles(folder, arguments.tiles, arguments.tile)
        place = (folder, arguments.config, batch, device, arguments.threads)
        builds = {name: functools.partial(build, parts, *place) for name, parts in (("without", False), ("with", True))}
        # A part's first step is not like the others.
        costs = take_turns(builds, arguments.repeats, warm_up=2, device=device)
    without, together = costs["without"], costs["with"]
    print(text_table([HEADS, (arguments.config.stem, *pair_cells(without, together, digits=3))]))
    print_result({"ratio": together.seconds / without.seconds, "memory": together.memory / without.memory})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", type=Path, default=CONFIG, help="teacher with parts")
    parser.add_argument("--batch", type=int, help="pairs per step; default: the config's")
    parser.add_argument("--repeats", type=int, default=7, help="timed calls of each side")
    parser.add_argument("--tiles", type=int, default=8, help="generated tiles")
    parser.add_argument("--tile", type=int, default=512, help="their side, pixels")
    add_machine_arguments(parser, threads="a step", cuda="steps")
    return parser.parse_args()


def config_of(path: Path, parts: bool) -> Config:
    """The config of a teacher, with parts that begin at once, or without.

    Raises:
        InputError: it has no parts.
    """
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    config = load_config(path, stage=1)
    if not config.self_training.parts:
        raise InputError(f"{path}: expected a teacher with self_training.parts, found none; choose another config")
    if not parts:
        config.self_training.parts = {}
    for part in config.self_training.parts.values():
        part.update({"begin": 1} if "begin" in part else {})
    return config


def build(parts: bool, folder: Path, config: Path, batch: int, device: str, threads: int) -> Call:
    """`STEPS` training iterations with parts or without, on batches loaded before."""
    torch.set_num_threads(threads)
    training = training_on(folder, config_of(config, parts))
    batches = itertools.cycle([collated(training, batch, number) for number in range(STEPS)])
    torch.manual_seed(0)
    model = MODELS.build(training.trained)
    model.init_weights()
    wrapper = build_optim_wrapper(model.train(), training.config.optim_wrapper)
    model.to(device)
    iterations = itertools.count()

    def steps() -> None:
        for _ in range(STEPS):
            model.train_step(next(batches), wrapper)
            model.update_teacher(next(iterations))

    return steps


if __name__ == "__main__":
    main()
