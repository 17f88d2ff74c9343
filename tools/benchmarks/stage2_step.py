"""Time and memory of one training step of a SAR model, ours and plain mmseg's, on the losses for partly wrong labels.

Both sides start from the same weights and see the same batch, the plain one as three equal bands; before anything is
timed, their losses are compared. A step synchronises its threads a thousand times: beside other work (the first line
tells the load) it takes up to twenty times as long, and the ratios say little. The last line is a JSON object:
`speedup_<dtype>` is plain seconds / our seconds, `memory` is our peak memory / the plain one (of the first dtype).
"""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from mmengine.dataset import pseudo_collate
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.training.training import Training
from tools.benchmarks import _plain_sar_losses
from tools.benchmarks._measure import (
    Call,
    Cost,
    malloc_settings,
    print_result,
    table,
    take_turns,
    use_default_malloc,
)
from tools.benchmarks._plain_self_training import PARAMETER_RULES
from tools.benchmarks._sar_tiles import training_of, write_tiles

assert _plain_sar_losses  # imported for its registered class

WRAPPERS = {"fp32": "OptimWrapper", "bf16": "Bf16OptimWrapper"}
"""mmengine's own wrapper for bf16 does the same but refuses to run without an accelerator."""

BANDS = 3
"""In which plain mmseg reads a grey image."""

PLAIN_LOSSES = (
    {"type": "CrossEntropyLoss", "avg_non_ignore": True, "loss_name": "loss_ce"},
    {"type": "PlainReverseCrossEntropy", "log_zero": -4.0, "loss_name": "loss_rce"},
    {"type": "LovaszLoss", "classes": "present", "per_image": False, "reduction": "none", "loss_name": "loss_lovasz"},
)

TOLERANCES = (1e-4, 1e-2)
"""Largest relative difference, in float32, of the first and the second step. Adam's first update is about the sign of
the gradient, also where the gradient is nothing but rounding; a wrong gradient shows all the same."""

QUIET = ("model.backbone.drop_path_rate=0.0", "model.decode_head.dropout_ratio=0.0")
"""Options without which two implementations would draw different numbers."""

BATCHES = 4
"""Batches that a side trains on in turn."""

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
        write_tiles(folder, 2 * arguments.batch, 2 * arguments.size)
        write_weights(folder)
        torch.set_num_threads(arguments.threads)
        _print_agreement(folder, arguments)
        print_result(ratios(_steps(folder, arguments, device)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of the training crops")
    parser.add_argument("--dtypes", nargs="+", choices=list(WRAPPERS), default=list(WRAPPERS))
    parser.add_argument("--batch", type=int, default=2, help="crops per step")
    parser.add_argument("--repeats", type=int, default=21, help="timed steps of each side, after two that are not")
    parser.add_argument("--threads", type=int, default=2, help="CPU threads of a step")
    parser.add_argument("--cuda", action="store_true", help="steps on the GPU")
    parser.add_argument(
        "--malloc",
        choices=["environment", "default"],
        default="environment",
        help="glibc's allocator as the environment sets it (see tools/environment.sh), or as it is without",
    )
    return parser.parse_args()


def write_weights(folder: Path) -> None:
    """Random weights from which both sides start, in `folder/weights.pth`."""
    training = training_of(folder, crop_size=32)
    torch.manual_seed(0)
    model = MODELS.build(training.config.model)
    model.init_weights()
    torch.save(model.state_dict(), folder / "weights.pth")


def our_side(training: Training, weights: Path) -> tuple[BaseModel, OptimWrapper]:
    """What the Runner builds from the config."""
    model = MODELS.build(training.trained)
    model.load_state_dict(torch.load(weights, weights_only=True))
    return model.train(), build_optim_wrapper(model, training.config.optim_wrapper)


def plain_side(training: Training, weights: Path) -> tuple[BaseModel, OptimWrapper]:
    """mmseg's network of three bands, its losses and the reverse cross-entropy; mmengine's parameter groups; AdamW."""
    network = copy.deepcopy(training.config.model)
    statistics = network.data_preprocessor
    network.data_preprocessor = {
        "type": "SegDataPreProcessor",
        "mean": list(statistics.mean) * BANDS,
        "std": list(statistics.std) * BANDS,
        "seg_pad_val": IGNORE_INDEX,
        "size_divisor": statistics.size_divisor,
    }
    network.backbone.update(type="MixVisionTransformer", in_channels=BANDS)
    network.decode_head.update(type="SegformerHead", loss_decode=[dict(loss) for loss in PLAIN_LOSSES])
    model = MODELS.build(network)
    model.load_state_dict(_of_three_bands(torch.load(weights, weights_only=True)))
    settings = copy.deepcopy(training.config.optim_wrapper)
    settings.pop("constructor")
    settings.optimizer.pop("fused")
    settings.paramwise_cfg = PARAMETER_RULES
    return model.train(), build_optim_wrapper(model, settings)


SIDES: dict[str, Callable[[Training, Path], tuple[BaseModel, OptimWrapper]]] = {
    "plain": plain_side,
    "ours": our_side,
}


def _of_three_bands(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that give for three equal bands what `weights` gives for one."""
    first = next(name for name in weights if name.startswith("backbone."))
    return {**weights, first: weights[first].expand(-1, BANDS, -1, -1) / BANDS}


def agreement(folder: Path, size: int, batch: int) -> list[tuple[str, float, float]]:
    """Values of two steps by name, plain and ours, in float32 on the CPU; labels have holes.

    The second step depends on the gradients and the optimizer of the first.
    """
    training = training_of(folder, size, QUIET)
    plain, ours = (_two_steps(side, training, folder, batch) for side in ("plain", "ours"))
    return [(name, plain[name], ours[name]) for name in plain]


def _two_steps(side: str, training: Training, folder: Path, batch: int) -> dict[str, float]:
    model, wrapper = SIDES[side](training, folder / "weights.pth")
    values = {}
    for step in range(2):
        data = _batch(training, batch, step, side)
        data["data_samples"][0].gt_sem_seg.data[..., :8] = IGNORE_INDEX
        logged = {name: float(value.detach()) for name, value in model.train_step(data, wrapper).items()}
        values[f"step {step + 1}, cross-entropies"] = sum(logged[key] for key in logged if key.endswith("ce"))
        values[f"step {step + 1}, Lovasz"] = logged["decode.loss_lovasz"]
    return values


def disagreement(values: Sequence[tuple[str, float, float]]) -> list[str]:
    """Names in the result of `agreement` whose two values differ by more than `TOLERANCES`."""
    tolerances = [tolerance for tolerance in TOLERANCES for _ in range(len(values) // len(TOLERANCES))]
    pairs = zip(values, tolerances, strict=True)
    return [name for (name, plain, ours), tolerance in pairs if not abs(plain - ours) <= tolerance * abs(plain)]


def _print_agreement(folder: Path, arguments: argparse.Namespace) -> None:
    values = agreement(folder, arguments.size, arguments.batch)
    rows = [("same weights, same batch", "plain", "ours")]
    rows += [(name, f"{plain:.6f}", f"{ours:.6f}") for name, plain, ours in values]
    print(f"\n{table(rows)}", flush=True)
    apart = disagreement(values)
    if apart:
        sys.exit(f"error: {'; '.join(apart)}: the two sides do not compute the same: their times say nothing")


def _steps(folder: Path, arguments: argparse.Namespace, device: str) -> dict[tuple[str, str], Cost]:
    """Cost by data type and side; prints a row for each pair of sides."""
    costs: dict[tuple[str, str], Cost] = {}
    rows = [("step", "plain s", "ours s", "speedup", "plain MiB", "ours MiB", "ours/plain")]
    for dtype in arguments.dtypes:
        builds = {
            side: functools.partial(
                build_step, side, folder, dtype, arguments.size, arguments.batch, device, arguments.threads
            )
            for side in SIDES
        }
        measured = take_turns(builds, arguments.repeats, warm_up=2, device=device)
        costs.update({(dtype, side): cost for side, cost in measured.items()})
        plain, ours = measured["plain"], measured["ours"]
        seconds = (f"{plain.seconds:.3f}", f"{ours.seconds:.3f}", f"{plain.seconds / ours.seconds:.2f}")
        memory = (
            f"{plain.memory / MEBIBYTE:.0f}",
            f"{ours.memory / MEBIBYTE:.0f}",
            f"{ours.memory / plain.memory:.2f}",
        )
        rows.append((f"{dtype}, {arguments.size} px", *seconds, *memory))
    print(f"\n{table(rows)}", flush=True)
    return costs


def build_step(side: str, folder: Path, dtype: str, size: int, batch: int, device: str, threads: int) -> Call:
    """One training iteration of one side on batches loaded before."""
    torch.set_num_threads(threads)
    training = training_of(folder, size, [f"optim_wrapper.type={WRAPPERS[dtype]}"])
    batches = itertools.cycle([_batch(training, batch, number, side) for number in range(BATCHES)])
    torch.manual_seed(0)
    model, wrapper = SIDES[side](training, folder / "weights.pth")
    model.to(device)
    return lambda: model.train_step(next(batches), wrapper)


def ratios(costs: Mapping[tuple[str, str], Cost]) -> dict[str, float]:
    """The JSON object of `_steps`."""
    dtypes = list(dict.fromkeys(dtype for dtype, _ in costs))
    found = {f"speedup_{dtype}": costs[dtype, "plain"].seconds / costs[dtype, "ours"].seconds for dtype in dtypes}
    return {**found, "memory": costs[dtypes[0], "ours"].memory / costs[dtypes[0], "plain"].memory}


def _batch(training: Training, size: int, number: int, side: str) -> dict[str, Any]:
    """Batch `number` of a training, as its loader collates it; the plain side's images have three equal bands."""
    tiles: Any = training.dataset
    batch: dict[str, Any] = pseudo_collate([tiles[ordinal] for ordinal in range(number * size, (number + 1) * size)])
    if side == "plain":
        batch["inputs"] = [image.repeat(BANDS, 1, 1) for image in batch["inputs"]]
    return batch


if __name__ == "__main__":
    main()
