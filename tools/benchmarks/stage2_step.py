"""Time and memory of one training step of a SAR model, ours and plain mmseg's, on the losses for partly wrong labels.

Both sides start from the same weights and see the same batch, the plain one as three equal bands; before anything is
timed, their losses are compared. A step synchronises its threads a thousand times: beside other work (the first line
tells the load) it takes up to twenty times as long, and the ratios say little. The last line is a JSON object:
`speedup_<dtype>` is plain seconds / our seconds, `memory` is our peak memory / the plain one (of the first dtype).
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmengine.model import BaseModel
from mmengine.optim import OptimWrapper, build_optim_wrapper
from mmseg.registry import MODELS
from torch import Tensor

from landcover.classes import IGNORE_INDEX
from landcover.training.training import Training
from tools.benchmarks import _plain_sar_losses
from tools.benchmarks._machine import begin_on_machine
from tools.benchmarks._measure import print_result
from tools.benchmarks._sar_tiles import training_of, write_tiles
from tools.benchmarks._training_step import (
    WEIGHTS_NAME,
    Costs,
    StepBenchmark,
    add_step_arguments,
    collated,
    plain_optimizer,
    print_agreement,
)

assert _plain_sar_losses  # imported for its registered class

BANDS = 3
"""In which plain mmseg reads a grey image."""

PLAIN_LOSSES = (
    {"type": "CrossEntropyLoss", "avg_non_ignore": True, "loss_name": "loss_ce"},
    {"type": "PlainReverseCrossEntropy", "log_zero": -4.0, "loss_name": "loss_rce"},
    {"type": "LovaszLoss", "classes": "present", "per_image": False, "reduction": "none", "loss_name": "loss_lovasz"},
)

QUIET = ("model.backbone.drop_path_rate=0.0", "model.decode_head.dropout_ratio=0.0")
"""Options without which two implementations would draw different numbers."""

BATCHES = 4
"""Batches that a side trains on in turn."""


def main() -> None:
    """Prints tables and, last, the JSON object."""
    arguments = _arguments()
    device = begin_on_machine(arguments, f"batch {arguments.batch}")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_tiles(folder, 2 * arguments.batch, 2 * arguments.size)
        write_weights(folder)
        torch.set_num_threads(arguments.threads)
        print_agreement("same weights, same batch", *agreement(folder, arguments.size, arguments.batch))
        print_result(ratios(BENCHMARK.measure(folder, [arguments.size], arguments, device)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=512, help="side of the training crops")
    add_step_arguments(parser, images="crops", repeats=21, untimed="two that are not")
    return parser.parse_args()


def write_weights(folder: Path) -> None:
    """Random weights from which both sides start, in `folder`."""
    training = training_of(folder, crop_size=32)
    torch.manual_seed(0)
    model = MODELS.build(training.config.model)
    model.init_weights()
    torch.save(model.state_dict(), folder / WEIGHTS_NAME)


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
    return model.train(), plain_optimizer(model, training.config.optim_wrapper)


def _of_three_bands(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights that give for three equal bands what `weights` gives for one."""
    first = next(name for name in weights if name.startswith("backbone."))
    return {**weights, first: weights[first].expand(-1, BANDS, -1, -1) / BANDS}


def nothing_else(model: BaseModel, iteration: int) -> None:
    """An iteration is one step."""


def batch_of(training: Training, size: int, number: int, side: str) -> dict[str, Any]:
    """Batch `number` of a training; the plain side's images have three equal bands."""
    batch = collated(training, size, number)
    if side == "plain":
        batch["inputs"] = [image.repeat(BANDS, 1, 1) for image in batch["inputs"]]
    return batch


def make_holes(batch: dict[str, Any]) -> None:
    """Hides columns of the first labels."""
    batch["data_samples"][0].gt_sem_seg.data[..., :8] = IGNORE_INDEX


def compared_values(logged: Mapping[str, Tensor]) -> dict[str, float]:
    """The sum of both cross-entropies, and the Lovasz loss."""
    return {
        "cross-entropies": sum(float(value.detach()) for key, value in logged.items() if key.endswith("ce")),
        "Lovasz": float(logged["decode.loss_lovasz"].detach()),
    }


BENCHMARK = StepBenchmark(
    training_of=training_of,
    sides={"plain": plain_side, "ours": our_side},
    batch=batch_of,
    finish=nothing_else,
    compared=compared_values,
    hide=make_holes,
    batches=BATCHES,
    warm_up=2,
)


def agreement(folder: Path, size: int, batch: int) -> tuple[dict[str, float], dict[str, float]]:
    """Values of two steps by name, of the plain side and of ours, in float32 on the CPU; labels have holes.

    The second step depends on the gradients and the optimizer of the first.
    """
    training = training_of(folder, size, QUIET)
    plain, ours = (BENCHMARK.two_steps(side, training, folder, batch) for side in ("plain", "ours"))
    return plain, ours


def ratios(costs: Costs) -> dict[str, float]:
    """The JSON object of costs of one size."""
    pairs = {dtype: (costs[dtype, size, "plain"], costs[dtype, size, "ours"]) for dtype, size, _ in costs}
    found = {f"speedup_{dtype}": plain.seconds / ours.seconds for dtype, (plain, ours) in pairs.items()}
    plain, ours = next(iter(pairs.values()))
    return {**found, "memory": ours.memory / plain.memory}


if __name__ == "__main__":
    main()
