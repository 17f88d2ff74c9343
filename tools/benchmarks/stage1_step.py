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
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import cv2
import torch
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.data_sets import training_tiles
from landcover.training.training import Training
from stage1_optical_da import class_mix
from stage1_optical_da.self_training import SelfTraining
from tools.benchmarks import _plain_self_training
from tools.benchmarks._measure import (
    Call,
    Cost,
    malloc_settings,
    print_result,
    table,
    take_turns,
    use_default_malloc,
)
from tools.benchmarks._optical_pairs import training_of, write_tiles
from tools.benchmarks._plain_self_training import PARAMETER_RULES, PlainSelfTraining

WRAPPERS = {"fp32": "OptimWrapper", "bf16": "Bf16OptimWrapper"}

TOLERANCES = (1e-4, 1e-2)
"""Largest relative difference, in float32, of the first and the second step. Adam's first update is about the sign of
the gradient, also where the gradient is nothing but rounding; a wrong gradient or teacher shows all the same."""

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

LOADED = 16
"""Pairs in one timed call of the loader."""

MEBIBYTE = 1024**2


def main() -> None:
    """Prints tables and, last, the JSON object."""
    arguments = _arguments()
    if arguments.malloc == "default":
        use_default_malloc()
    device = "cuda" if arguments.cuda else "cpu"
    name = torch.cuda.get_device_name() if arguments.cuda else f"CPU, {arguments.threads} threads"
    load = os.getloadavg()[0]
    print(f"{name}; torch {torch.__version__}; batch {arguments.batch}; malloc: {malloc_settings()}; load {load:.1f}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tiles(folder, arguments.tiles, arguments.tile)
        write_weights(folder)
        torch.set_num_threads(arguments.threads)
        _print_agreement(folder, arguments)
        costs = _steps(folder, arguments, device)
        if arguments.crops:
            _print_loader(folder, arguments, costs)
    print_result(ratios(costs))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512], help="sides of training crops")
    parser.add_argument("--dtypes", nargs="+", choices=list(WRAPPERS), default=list(WRAPPERS))
    parser.add_argument("--batch", type=int, default=2, help="pairs per step")
    parser.add_argument("--repeats", type=int, default=7, help="timed steps of each side, after one that is not timed")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of a step")
    parser.add_argument("--cuda", action="store_true", help="steps on the GPU")
    parser.add_argument(
        "--malloc",
        choices=["environment", "default"],
        default="environment",
        help="glibc's allocator as the environment sets it (see tools/environment.sh), or as it is without",
    )
    parser.add_argument("--crops", type=int, nargs="*", default=[512, 768], help="crops of the loader; none: no loader")
    parser.add_argument("--tiles", type=int, default=40, help="generated tiles")
    parser.add_argument("--tile", type=int, default=1024, help="their side, pixels")
    return parser.parse_args()


def write_weights(folder: Path) -> None:
    """Random weights from which both sides start, in `folder/weights.pth`."""
    training = training_of(folder, crop_size=32)
    torch.manual_seed(0)
    student = MODELS.build(training.config.model)
    student.init_weights()
    # The usual narrow start makes all pixels equally unsure: no pixel would ever be confident.
    torch.nn.init.normal_(student.decode_head.conv_seg.weight, std=0.1)
    torch.save(student.state_dict(), folder / "weights.pth")


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
    settings = copy.deepcopy(training.config.optim_wrapper)
    settings.pop("constructor")
    settings.optimizer.pop("fused")
    settings.paramwise_cfg = PARAMETER_RULES
    return model.train(), build_optim_wrapper(model.student, settings)


SIDES: dict[str, Callable[[Training, Path], tuple[Any, OptimWrapper]]] = {"plain": plain_side, "ours": our_side}


def agreement(folder: Path, size: int, batch: int) -> list[tuple[str, float, float]]:
    """Values of two steps by name, plain and ours, in float32 on the CPU.

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
        ours = _two_steps("ours", training, folder, batch)
    chosen = [row.nonzero().flatten() for step in drawn for row in step]
    with mock.patch.object(_plain_self_training, "drawn_classes", side_effect=chosen):
        plain = _two_steps("plain", training, folder, batch)
    return [(name, plain[name], ours[name]) for name in plain]


def _two_steps(side: str, training: Training, folder: Path, batch: int) -> dict[str, float]:
    model, wrapper = SIDES[side](training, folder / "weights.pth")
    values = {}
    for step in range(2):
        data = _batch(training, batch, step)
        for domain, area in (("source", (..., slice(8), slice(None))), ("target", (..., slice(8)))):
            data[domain]["data_samples"][0].gt_sem_seg.data[area] = IGNORE_INDEX
        logged = model.train_step(data, wrapper)
        model.update_teacher(step)
        for name in VALUES:
            values[f"step {step + 1}, {name}"] = sum(float(logged[key].detach()) for key in logged if _is(key, name))
    return values


def _is(key: str, name: str) -> bool:
    """Whether a logged value belongs to `name`: the value of that name, or a loss of a head below it."""
    return key == name or (key.startswith(f"{name}.") and "loss" in key)


def disagreement(values: Sequence[tuple[str, float, float]]) -> list[str]:
    """Names in the result of `agreement` whose two values differ by more than `TOLERANCES`."""
    tolerances = [tolerance for tolerance in TOLERANCES for _ in VALUES]
    pairs = zip(values, tolerances, strict=True)
    return [name for (name, plain, ours), tolerance in pairs if not abs(plain - ours) <= tolerance * abs(plain)]


def _print_agreement(folder: Path, arguments: argparse.Namespace) -> None:
    values = agreement(folder, min(arguments.sizes), arguments.batch)
    rows = [("same weights, batch, classes", "plain", "ours")]
    rows += [(name, f"{plain:.6f}", f"{ours:.6f}") for name, plain, ours in values]
    print(f"\n{table(rows)}", flush=True)
    apart = disagreement(values)
    if apart:
        sys.exit(f"error: {'; '.join(apart)}: the two sides do not compute the same: their times say nothing")


def _steps(folder: Path, arguments: argparse.Namespace, device: str) -> dict[tuple[str, int, str], Cost]:
    """Cost by data type, size and side; prints a row for each pair of sides."""
    costs: dict[tuple[str, int, str], Cost] = {}
    rows = [("step", "plain s", "ours s", "speedup", "plain MiB", "ours MiB", "ours/plain")]
    for dtype, size in itertools.product(arguments.dtypes, arguments.sizes):
        builds = {
            side: functools.partial(build_step, side, folder, dtype, size, arguments.batch, device, arguments.threads)
            for side in SIDES
        }
        measured = take_turns(builds, arguments.repeats, device=device)
        costs.update({(dtype, size, side): cost for side, cost in measured.items()})
        plain, ours = measured["plain"], measured["ours"]
        seconds = (f"{plain.seconds:.3f}", f"{ours.seconds:.3f}", f"{plain.seconds / ours.seconds:.2f}")
        memory = (
            f"{plain.memory / MEBIBYTE:.0f}",
            f"{ours.memory / MEBIBYTE:.0f}",
            f"{ours.memory / plain.memory:.2f}",
        )
        rows.append((f"{dtype}, {size} px", *seconds, *memory))
    print(f"\n{table(rows)}", flush=True)
    return costs


def build_step(side: str, folder: Path, dtype: str, size: int, batch: int, device: str, threads: int) -> Call:
    """One training iteration of one side: step and teacher's update, on batches loaded before."""
    torch.set_num_threads(threads)
    training = training_of(folder, size, [f"optim_wrapper.type={WRAPPERS[dtype]}"])
    batches = itertools.cycle([_batch(training, batch, number) for number in range(BATCHES)])
    torch.manual_seed(0)
    model, wrapper = SIDES[side](training, folder / "weights.pth")
    model.to(device)
    steps = itertools.count()

    def step() -> None:
        model.train_step(next(batches), wrapper)
        model.update_teacher(next(steps))

    return step


def ratios(costs: Mapping[tuple[str, int, str], Cost]) -> dict[str, float]:
    """The JSON object of `_steps`."""
    pairs = {(dtype, size): (costs[dtype, size, "plain"], costs[dtype, size, "ours"]) for dtype, size, _ in costs}
    found = {f"speedup_{dtype}_{size}": plain.seconds / ours.seconds for (dtype, size), (plain, ours) in pairs.items()}
    exact = [size for dtype, size in pairs if dtype == "fp32"]
    if exact:
        plain, ours = pairs["fp32", max(exact)]
        found[f"memory_{max(exact)}"] = ours.memory / plain.memory
    return found


def _print_loader(folder: Path, arguments: argparse.Namespace, costs: Mapping[tuple[str, int, str], Cost]) -> None:
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
    print(f"\n{table(rows)}", flush=True)


def build_loader(folder: Path, crop_size: int, keep: bool) -> Call:
    """Reads `LOADED` pairs, as one loader process on one core does.

    Args:
        folder: see `write_tiles`; files are in the page cache.
        crop_size: side of the crops, pixels.
        keep: all tiles are decoded before; otherwise none is kept, as if there were very many.
    """
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    with mock.patch.object(training_tiles, "DECODED_BYTES", sys.maxsize if keep else 0):
        pairs: Any = training_of(folder, crop_size).dataset
    if keep:
        for ordinal in range(len(pairs)):
            pairs[ordinal]
    ordinals: Iterator[int] = itertools.count(len(pairs))

    def load() -> None:
        pseudo_collate([pairs[next(ordinals)] for _ in range(LOADED)])

    return load


def _batch(training: Training, size: int, number: int) -> dict[str, Any]:
    """Batch `number` of a training, as its loader collates it."""
    pairs: Any = training.dataset
    return pseudo_collate([pairs[ordinal] for ordinal in range(number * size, (number + 1) * size)])


def _start_from(model: SelfTraining | PlainSelfTraining, weights: Path) -> None:
    state = torch.load(weights, weights_only=True)
    model.student.load_state_dict(state)
    model.teacher.load_state_dict(state)


if __name__ == "__main__":
    main()
