"""Time and memory of one step of self-training, ours and a plain one around mmseg's networks; throughput of the loader.

Both sides start from the same weights and see the same batch; before anything is timed, their losses are compared.
A step synchronises its threads a thousand times: beside other work (the first line tells the load) it takes up to
twenty times as long, and the ratios say little. The last line is a JSON object: `speedup_<dtype>_<size>` is plain
seconds / our seconds, `memory_<size>` is our peak memory / the plain one (fp32, largest size).
"""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.report.text_table import text_table
from landcover.training.training import Training
from stage1_optical_da import class_mix
from stage1_optical_da.self_training import SelfTraining
from tools.benchmarks import _plain_self_training
from tools.benchmarks._loading import LOADED, decoded_tiles, load_ours, use_one_core
from tools.benchmarks._machine import begin_on_machine
from tools.benchmarks._measure import Call, print_result, take_turns
from tools.benchmarks._optical_pairs import training_of, write_tiles
from tools.benchmarks._plain_self_training import PlainSelfTraining
from tools.benchmarks._training_step import (
    WEIGHTS_NAME,
    Costs,
    StepBenchmark,
    add_step_arguments,
    collated,
    plain_optimizer,
    print_agreement,
)

VALUES = ("source", "mix", "confident")
"""What is compared: the two losses and the mean share of confident pixels."""

QUIET = (
    "model.backbone.drop_path_rate=0.0",
    "model.decode_head.dropout_ratio=0.0",
    "self_training.augmentation.jitter_probability=0.0",
    "self_training.augmentation.blur_probability=0.0",
    "self_training.confidence=0.5",  # of a network that has learned nothing: some pixels are above it, some below
)
"""Options without which two implementations would draw different numbers."""

BATCHES = 8
"""Batches that a side trains on in turn: what our step draws belongs to the batch."""


def main() -> None:
    """Prints tables and, last, the JSON object."""
    arguments = _arguments()
    device = begin_on_machine(arguments, f"batch {arguments.batch}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tiles(folder, arguments.tiles, arguments.tile)
        write_weights(folder)
        torch.set_num_threads(arguments.threads)
        same = "same weights, batch, classes"
        print_agreement(same, *agreement(folder, min(arguments.sizes), arguments.batch))
        costs = BENCHMARK.measure(folder, arguments.sizes, arguments, device)
        if arguments.crops:
            _print_loader(folder, arguments, costs)
    print_result(ratios(costs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="sides of training crops")
    add_step_arguments(parser, images="pairs", repeats=7, untimed="one that is not timed")
    parser.add_argument("--crops", type=int, nargs="*", default=[512, 768], help="crops of the loader; none: no loader")
    parser.add_argument("--tiles", type=int, default=40, help="generated tiles")
    parser.add_argument("--tile", type=int, default=1024, help="their side, pixels")
    return parser.parse_args()


def write_weights(folder: Path) -> None:
    """Random weights from which both sides start, in `folder`."""
    training = training_of(folder, crop_size=32)
    torch.manual_seed(0)
    student = MODELS.build(training.config.model)
    student.init_weights()
    # The usual narrow start makes all pixels equally unsure: no pixel would ever be confident.
    torch.nn.init.normal_(student.decode_head.conv_seg.weight, std=0.1)
    torch.save(student.state_dict(), folder / WEIGHTS_NAME)


def our_side(training: Training, weights: Path) -> tuple[SelfTraining, OptimWrapper]:
    """What the Runner builds from the config."""
    model = MODELS.build(training.trained)
    _start_from(model, weights)
    return model.train(), build_optim_wrapper(model, training.config.optim_wrapper)


def plain_side(training: Training, weights: Path) -> tuple[PlainSelfTraining, OptimWrapper]:
    """The same recipe with mmseg's networks and loss, mmengine's parameter groups and AdamW as torch sets it up."""
    student = copy.deepcopy(training.config.model)
    student.backbone.type = "MixVisionTransformer"
    student.decode_head.type = "SegformerHead"
    student.decode_head.loss_decode = {"type": "CrossEntropyLoss", "avg_non_ignore": True}
    recipe = training.config.self_training
    model = PlainSelfTraining(student, recipe.confidence, recipe.ema_limit, recipe.augmentation)
    _start_from(model, weights)
    return model.train(), plain_optimizer(model.student, training.config.optim_wrapper)


def _start_from(model: SelfTraining | PlainSelfTraining, weights: Path) -> None:
    state = torch.load(weights, weights_only=True)
    model.student.load_state_dict(state)
    model.teacher.load_state_dict(state)


def update_teacher(model: SelfTraining | PlainSelfTraining, iteration: int) -> None:
    """What ends an iteration of both sides."""
    model.update_teacher(iteration)


def batch_of(training: Training, size: int, number: int, side: str) -> dict[str, Any]:
    """Batch `number` of a training, the same for both sides."""
    return collated(training, size, number)


def make_holes(batch: dict[str, Any]) -> None:
    """Hides rows of the first source labels and columns of the first target labels."""
    for domain, area in (("source", (..., slice(8), slice(None))), ("target", (..., slice(8)))):
        batch[domain]["data_samples"][0].gt_sem_seg.data[area] = IGNORE_INDEX


def compared_values(logged: Mapping[str, Tensor]) -> dict[str, float]:
    """Of every name of `VALUES` the value of that name, or the sum of the losses of heads below it."""
    return {name: sum(float(logged[key].detach()) for key in logged if _is(key, name)) for name in VALUES}


def _is(key: str, name: str) -> bool:
    return key == name or (key.startswith(f"{name}.") and "loss" in key)


BENCHMARK = StepBenchmark(
    training_of=training_of,
    sides={"plain": plain_side, "ours": our_side},
    batch=batch_of,
    finish=update_teacher,
    compared=compared_values,
    hide=make_holes,
    batches=BATCHES,
    warm_up=1,
)


def agreement(folder: Path, size: int, batch: int) -> tuple[dict[str, float], dict[str, float]]:
    """Values of two steps by name, of the plain side and of ours, in float32 on the CPU.

    Labels have holes; both sides paste the same classes. The second step depends on the gradients, the optimizer and
    the teacher's update of the first.
    """
    training = training_of(folder, size, QUIET)
    drawn: list[Tensor] = []

    def recorded(*arguments: Any) -> Tensor:  # whatever draw_classes takes
        drawn.append(draw_classes(*arguments))
        return drawn[-1]

    draw_classes = class_mix.draw_classes
    with mock.patch.object(class_mix, "draw_classes", recorded):
        ours = BENCHMARK.two_steps("ours", training, folder, batch)
    chosen = [row.nonzero().flatten() for step in drawn for row in step]
    with mock.patch.object(_plain_self_training, "drawn_classes", side_effect=chosen):
        plain = BENCHMARK.two_steps("plain", training, folder, batch)
    return plain, ours


def ratios(costs: Costs) -> dict[str, float]:
    """The JSON object of all costs."""
    pairs = {(dtype, size): (costs[dtype, size, "plain"], costs[dtype, size, "ours"]) for dtype, size, _ in costs}
    found = {f"speedup_{dtype}_{size}": plain.seconds / ours.seconds for (dtype, size), (plain, ours) in pairs.items()}
    exact = [size for dtype, size in pairs if dtype == "fp32"]
    if exact:
        plain, ours = pairs["fp32", max(exact)]
        found[f"memory_{max(exact)}"] = ours.memory / plain.memory
    return found


def _print_loader(folder: Path, arguments: argparse.Namespace, costs: Costs) -> None:
    """Pairs per second of one loader process on one core, and how many such processes the fastest step needs."""
    kinds = list(itertools.product(arguments.crops, ("decoded anew", "kept decoded")))
    builds = {
        f"{crop}, {kind}": functools.partial(build_loader, folder, crop, kind == "kept decoded") for crop, kind in kinds
    }
    measured = take_turns(builds, arguments.repeats)
    largest = max(arguments.sizes)
    dtype = min(arguments.dtypes, key=lambda dtype: costs[dtype, largest, "ours"].seconds)
    needed = arguments.batch / costs[dtype, largest, "ours"].seconds
    rows = [(f"loader, tiles of {arguments.tile} px", "pairs/s", f"workers for {dtype}, {largest} px")]
    for name, cost in measured.items():
        rate = LOADED / cost.seconds
        rows.append((f"crop {name}", f"{rate:.1f}", f"{needed / rate:.2f}"))
    print(f"\n{text_table(rows)}", flush=True)


def build_loader(folder: Path, crop_size: int, keep: bool) -> Call:
    """Reads `LOADED` pairs, as one loader process on one core does.

    Args:
        folder: see `write_tiles`; files are in the page cache.
        crop_size: side of the crops, pixels.
        keep: see `load_ours`.
    """
    use_one_core()
    with decoded_tiles(keep):
        pairs = training_of(folder, crop_size).dataset
    return load_ours(pairs, keep)


if __name__ == "__main__":
    main()
