"""What the benchmarks of training steps share: two sides, whether they compute the same, what a step of each costs."""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from mmengine.config import ConfigDict
from mmengine.dataset import pseudo_collate
from mmengine.optim import OptimWrapper, build_optim_wrapper
from torch import Tensor, nn

from landcover.report.text_table import text_table
from landcover.training.training import Training
from tools.benchmarks._machine import add_machine_arguments
from tools.benchmarks._measure import PAIR_HEADS, Call, Cost, pair_cells, take_turns

WRAPPERS = {"fp32": "OptimWrapper", "bf16": "Bf16OptimWrapper"}
"""mmengine's own wrapper for bf16 does the same but refuses to run without an accelerator."""

TOLERANCES = (1e-4, 1e-2)
"""Largest relative difference, in float32, of the first and the second step. Adam's first update is about the sign of
the gradient, also where the gradient is nothing but rounding; a wrong gradient or teacher shows all the same."""

PARAMETER_RULES = {
    "custom_keys": {"pos_block": {"decay_mult": 0.0}, "norm": {"decay_mult": 0.0}, "head": {"lr_mult": 10.0}}
}
"""`paramwise_cfg` of mmseg's own SegFormer configs, for mmengine's default constructor."""

WEIGHTS_NAME = "weights.pth"
"""File in the folder of the tiles: what both sides start from."""

Costs = Mapping[tuple[str, int, str], Cost]
"""By data type, size of the crops and side."""


@dataclass(frozen=True)
class StepBenchmark:
    """One training iteration that two sides do; its functions are those of a module, for the sides' own processes.

    Args:
        training_of: the training on the tiles of a folder, by size of the crops and options.
        sides: `plain` and `ours`: model in training mode and its optimizer, by training and file of weights.
        batch: batch by training, number of images, number of the batch and side.
        finish: what ends an iteration after the step, by model and iteration.
        compared: what must agree, by name, of what a step logs.
        hide: makes holes in the labels of a batch.
        batches: number of batches that a side trains on in turn.
        warm_up: steps of each side before the timed ones.
    """

    training_of: Callable[[Path, int, Sequence[str]], Training]
    sides: Mapping[str, Callable[[Training, Path], tuple[Any, OptimWrapper]]]
    batch: Callable[[Training, int, int, str], dict[str, Any]]
    finish: Callable[[Any, int], None]
    compared: Callable[[Mapping[str, Tensor]], dict[str, float]]
    hide: Callable[[dict[str, Any]], None]
    batches: int
    warm_up: int

    def two_steps(self, side: str, training: Training, folder: Path, batch: int) -> dict[str, float]:
        """What two steps of a side log, by name; labels have holes."""
        model, wrapper = self.sides[side](training, folder / WEIGHTS_NAME)
        values = {}
        for step in range(2):
            data = self.batch(training, batch, step, side)
            self.hide(data)
            logged = model.train_step(data, wrapper)
            self.finish(model, step)
            values.update({f"step {step + 1}, {name}": value for name, value in self.compared(logged).items()})
        return values

    def build(self, side: str, folder: Path, dtype: str, size: int, batch: int, device: str, threads: int) -> Call:
        """One training iteration of one side, on batches loaded before."""
        torch.set_num_threads(threads)
        training = self.training_of(folder, size, [f"optim_wrapper.type={WRAPPERS[dtype]}"])
        batches = itertools.cycle([self.batch(training, batch, number, side) for number in range(self.batches)])
        torch.manual_seed(0)
        model, wrapper = self.sides[side](training, folder / WEIGHTS_NAME)
        model.to(device)
        iterations = itertools.count()

        def step() -> None:
            model.train_step(next(batches), wrapper)
            self.finish(model, next(iterations))

        return step

    def measure(self, folder: Path, sizes: Sequence[int], arguments: argparse.Namespace, device: str) -> Costs:
        """Costs of all data types of the arguments and all sizes; prints a row for each pair of sides."""
        costs: dict[tuple[str, int, str], Cost] = {}
        rows: list[tuple[str, ...]] = [("step", *PAIR_HEADS)]
        for dtype, size in itertools.product(arguments.dtypes, sizes):
            place = (folder, dtype, size, arguments.batch, device, arguments.threads)
            builds = {side: functools.partial(self.build, side, *place) for side in self.sides}
            measured = take_turns(builds, arguments.repeats, self.warm_up, device)
            costs.update({(dtype, size, side): cost for side, cost in measured.items()})
            rows.append((f"{dtype}, {size} px", *pair_cells(measured["plain"], measured["ours"], digits=3)))
        print(f"\n{text_table(rows)}", flush=True)
        return costs


def add_step_arguments(parser: argparse.ArgumentParser, images: str, repeats: int, untimed: str) -> None:
    """Options of all benchmarks of steps.

    Args:
        parser: receives them.
        images: what a batch counts.
        repeats: timed steps without the option.
        untimed: the steps before them, in words.
    """
    parser.add_argument("--dtypes", nargs="+", choices=list(WRAPPERS), default=list(WRAPPERS))
    parser.add_argument("--batch", type=int, default=2, help=f"{images} per step")
    parser.add_argument("--repeats", type=int, default=repeats, help=f"timed steps of each side, after {untimed}")
    add_machine_arguments(parser, threads="a step", cuda="steps")


def plain_optimizer(model: nn.Module, settings: ConfigDict) -> OptimWrapper:
    """The optimizer of a config with mmengine's parameter groups and AdamW as torch sets it up."""
    settings = copy.deepcopy(settings)
    settings.pop("constructor")
    settings.optimizer.pop("fused")
    settings.paramwise_cfg = PARAMETER_RULES
    return build_optim_wrapper(model, settings)


def collated(training: Training, size: int, number: int) -> dict[str, Any]:
    """Batch `number` of a training, as its loader collates it."""
    items: Any = training.dataset
    batch: dict[str, Any] = pseudo_collate([items[ordinal] for ordinal in range(number * size, (number + 1) * size)])
    return batch


def disagreement(values: Sequence[tuple[str, float, float]]) -> list[str]:
    """Names whose two values differ by more than `TOLERANCES`, of as many values of the first as of the second step."""
    tolerances = [tolerance for tolerance in TOLERANCES for _ in range(len(values) // len(TOLERANCES))]
    pairs = zip(values, tolerances, strict=True)
    return [name for (name, plain, ours), tolerance in pairs if not abs(plain - ours) <= tolerance * abs(plain)]


def print_agreement(same: str, plain: Mapping[str, float], ours: Mapping[str, float]) -> None:
    """Prints the values of two steps by name; ends the benchmark with an error where they disagree.

    Args:
        same: what both sides were given.
        plain: values of `StepBenchmark.two_steps`.
        ours: likewise.
    """
    values = [(name, plain[name], ours[name]) for name in plain]
    rows = [(same, "plain", "ours"), *((name, f"{a:.6f}", f"{b:.6f}") for name, a, b in values)]
    print(f"\n{text_table(rows)}", flush=True)
    if apart := disagreement(values):
        sys.exit(f"error: {'; '.join(apart)}: the two sides do not compute the same: their times say nothing")
