"""The measurements of `gpu.py`, each for a process of its own: steps, predictions, loaders."""

from __future__ import annotations

import functools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from mmengine.dataset import pseudo_collate
from mmengine.logging import MMLogger
from mmengine.optim import build_optim_wrapper
from mmengine.runner import Runner
from mmseg.registry import MODELS
from torch.utils.flop_counter import FlopCounterMode

from landcover.prediction.sliding_window import PredictionDtype, SlidingWindow, predict_probabilities
from landcover.prediction.views import FLIPS, make_views
from landcover.processes.group import Processes
from landcover.registry import register_all
from landcover.training.compiled import compile_networks
from landcover.training.config import load_config
from landcover.training.runner import loader_settings
from landcover.training.training import Training
from tools.benchmarks import _optical_pairs, _sar_tiles
from tools.benchmarks._device import Float32, forget_peak, median_seconds, peak_gib, use_float32
from tools.benchmarks._measure import Call
from tools.benchmarks._own_process import Values, one_line
from tools.memory.blank_training import blank_training
from tools.memory.estimate import train_a_step

BF16 = "optim_wrapper.type=Bf16OptimWrapper"


@dataclass(frozen=True)
class Variant:
    """One way to do the same step.

    Args:
        options: of the config.
        float32: how it is multiplied.
        recomputed: whether operations are done twice, so that counting them would count too many.
    """

    options: tuple[str, ...] = ()
    float32: Float32 = "default"
    recomputed: bool = False


VARIANTS = {
    "default": Variant(),
    "fp32": Variant(float32="fp32"),
    "tf32": Variant(float32="tf32"),
    "bf16": Variant((BF16,)),
    "recomputed": Variant((BF16, "model.backbone.with_cp=True"), recomputed=True),
    "compiled": Variant((BF16, "compile=True")),
}
"""By name. bf16 is where time and memory are saved: recomputation and torch.compile come on top of it."""

TILES: dict[str, ModuleType] = {"stage1": _optical_pairs, "stage2": _sar_tiles}
"""By stage, what writes tiles and makes its training of them."""


@dataclass(frozen=True)
class Place:
    """What is measured where.

    Args:
        config: of a training.
        options: `key.key=value` on top of it.
        batch: samples of a step.
        device: `cpu` or `cuda`.
        seconds: how long a call is timed.
    """

    config: Path
    options: tuple[str, ...]
    batch: int
    device: str
    seconds: float

    def training(self, folder: Path, further: Sequence[str] = ()) -> Training:
        """As its stage sets it up, from random weights, on one made-up tile."""
        register_all()
        MMLogger.get_current_instance().setLevel("ERROR")  # mmengine tells of every network that it builds
        torch.manual_seed(0)
        return blank_training(load_config(self.config, [*self.options, *further]), folder)


def step_costs(place: Place, variant: Variant) -> Values:
    """Steps per second, the most memory in a step, and floating-point operations of a step (products, convolutions)."""
    use_float32(variant.float32)
    with tempfile.TemporaryDirectory() as folder:
        training = place.training(Path(folder), variant.options)
        items: Any = training.dataset
        data = pseudo_collate([items[ordinal] for ordinal in range(place.batch)])
    model = MODELS.build(training.trained).to(place.device).train()
    wrapper = build_optim_wrapper(model, training.config.optim_wrapper)
    step = functools.partial(train_a_step, training, model, wrapper, data)
    found: Values = {} if variant.recomputed else {"tflop": _tflop(step)}
    if training.config.compile:
        compile_networks(model, torch.device(place.device))
    forget_peak(place.device)
    found["steps_per_second"] = 1 / median_seconds(step, place.device, place.seconds)
    return {**found, "peak_gib": peak_gib(place.device)}


def prediction_rates(place: Place, dtype: PredictionDtype, batches: Sequence[int]) -> Values:
    """Windows per second and the most memory, by the number of windows that are predicted at once.

    Args:
        place: see `Place`; its own batch does not count.
        dtype: of the network.
        batches: numbers of windows; one that does not fit tells why.
    """
    with tempfile.TemporaryDirectory() as folder:
        training = place.training(Path(folder))
    model, side = MODELS.build(training.config.model).to(place.device).eval(), training.config.crop_size
    rows, columns, views = 2, max(1, -(-max(batches) // (2 * len(FLIPS)))), make_views([1.0], FLIPS)
    image = np.random.default_rng(0).integers(1, 256, (rows * side, columns * side), dtype=np.uint8)
    found: Values = {}
    for batch in batches:
        settings = SlidingWindow(side, side, views, dtype=dtype, batch=batch)
        predict = functools.partial(predict_probabilities, model, image, settings, torch.device(place.device))
        forget_peak(place.device)
        try:
            seconds = median_seconds(predict, place.device, place.seconds)
        except torch.OutOfMemoryError as error:
            found[f"batch_{batch}_error"] = one_line(error)
            continue
        found[f"batch_{batch}_windows_per_second"] = rows * columns * len(views) / seconds
        found[f"batch_{batch}_peak_gib"] = peak_gib(place.device)
    return found


def loader_rate(place: Place, stage: str, tiles: int, side: int) -> Values:
    """Samples per second of the loader that a training beside this device has, alone, and its number of processes.

    Args:
        place: see `Place`.
        stage: of `TILES`.
        tiles: number of generated tiles.
        side: theirs, pixels.
    """
    register_all()
    crop = load_config(place.config, place.options).crop_size
    with tempfile.TemporaryDirectory() as folder:
        TILES[stage].write_tiles(Path(folder), tiles, side)
        options = [f"train_dataloader.batch_size={place.batch}"]
        training: Training = TILES[stage].training_of(Path(folder), crop, options)
        settings = loader_settings(training, Processes(0, 1, torch.device(place.device)))
        batches = iter(Runner.build_dataloader(settings, seed=0))
        for _ in range(2 * settings["num_workers"] + 1):  # what they load ahead
            next(batches)
        begin, loaded = time.monotonic(), 0
        while not loaded or time.monotonic() - begin < place.seconds:
            next(batches)
            loaded += place.batch
        rate = loaded / (time.monotonic() - begin)
    return {"samples_per_second": rate, "workers": settings["num_workers"]}


def _tflop(call: Call) -> float:
    """Floating-point operations of one call, in 10^12; a multiplication with an addition counts as two."""
    with FlopCounterMode(display=False) as counter:
        call()
    return counter.get_total_flops() / 1e12
