"""Estimates what a training step takes on each GPU, without a GPU: tensors have shapes, but no numbers and no memory.

The batch is that of one GPU. Always there are weights, buffers, a teacher or average, the optimizer's state and the
buckets in which processes add gradients; in a step come the batch, gradients, activations and temporary tensors. What
an operation takes only while it runs is not counted. The last line is the largest total.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mmengine import Config
from mmengine.logging import MMLogger

from landcover.errors import InputError, command
from landcover.processes.progress import track
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.training.config import load_config
from tools.memory.estimate import Estimate, estimate

HEADS = ("config", "stage", "batch", "crop", "precision", "recomputed", "always there", "in a step", "GiB")
PRECISIONS = {"OptimWrapper": "fp32", "Bf16OptimWrapper": "bf16"}


@command
def main() -> None:
    """Prints a row for each config."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.memory", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("configs", nargs="+", type=Path, help="training configs of either stage")
    parser.add_argument("--gpus", type=int, default=1, help="number of GPUs that share the batch, as GPUS of a profile")
    parser.add_argument("--option", action="append", default=[], metavar="KEY=VALUE", help="replaces one config value")
    arguments = parser.parse_args()
    if arguments.gpus < 1:
        raise InputError(f"--gpus: expected at least 1, found {arguments.gpus}; correct it")

    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine tells of every network that it builds
    configs = [_load(path, arguments.option) for path in arguments.configs]
    found = [estimate(config, arguments.gpus) for config in track(configs, "configs", len(configs))]
    rows = [_row(*row) for row in zip(arguments.configs, configs, found, strict=True)]
    print(text_table([HEADS, *rows]), flush=True)
    print("On top come CUDA's context, fragmentation and the workspaces of convolutions.")
    print(f"{_gibibytes(max(row.total for row in found))} GiB", flush=True)


def _load(path: Path, options: list[str]) -> Config:
    config = load_config(path, options)
    return load_config(path, options, stage=1 if "self_training" in config else 2)


def _row(path: Path, config: Config, found: Estimate) -> tuple[str, ...]:
    return (
        f"{path.parent.name}/{path.stem}",
        "1" if "self_training" in config else "2",
        str(found.batch),
        str(config.crop_size),
        PRECISIONS.get(config.optim_wrapper.type, config.optim_wrapper.type),
        "yes" if config.model.backbone.get("with_cp") else "no",
        _gibibytes(found.kept),
        _gibibytes(found.step),
        _gibibytes(found.total),
    )


def _gibibytes(count: int) -> str:
    return f"{count / 2**30:.1f}"


if __name__ == "__main__":
    main()
