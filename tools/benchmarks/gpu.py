"""What one GPU does with both stages: training steps, prediction, loaders, and how much of its arithmetic they use.

Steps of each stage are those of a contest config on random weights, with the batch that each of four GPUs has, in six
variants: as a training does it unless told otherwise (`default`: torch multiplies matrices in float32 and convolves in
TF32), all float32 (`fp32`), all TF32 (`tf32`), bf16 autocast (`bf16`), and on top of bf16 recomputed activations
(`recomputed`) and torch.compile (`compiled`). Windows are predicted in 1, 2, 4, ... at once. Loaders read generated
tiles of 1024 pixels with as many processes as a training starts. Nothing is downloaded.

Each measurement has a process of its own and a share of what is left of --minutes; one that fails, for want of memory
say, tells why under `..._error`, and the others go on. The last line is a JSON object: `<stage>_<variant>_` with
`steps_per_second`, `peak_gib` (most memory of tensors), `tflop` (floating-point operations of a step in 10^12) and
`share_of_peak` (of the TFLOP/s that a product of large matrices reaches on this card in the same arithmetic; for
`default` in TF32); `prediction_<dtype>_batch_<n>_windows_per_second`; `<stage>_loader_samples_per_second`, and
`<stage>_loader_over_step`: how many times as much as the fastest variant of its step needs.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from landcover.errors import InputError, command
from landcover.prediction.sliding_window import PREDICTION_DTYPES
from tools.benchmarks._device import GIBIBYTE, matrix_peaks
from tools.benchmarks._gpu_parts import TILES, VARIANTS, Place, loader_rate, prediction_rates, step_costs
from tools.benchmarks._mit_b0 import CONFIGS, MIT_B0
from tools.benchmarks._own_process import Values, Work, measured, measured_alone

STAGE1, STAGE2 = CONFIGS / "stage1" / "segformer_mit-b3_768.py", CONFIGS / "stage2" / "segformer_mit-b5_960.py"

PEAKS = {"default": "tf32", "fp32": "fp32", "tf32": "tf32", "bf16": "bf16", "recomputed": "bf16", "compiled": "bf16"}
"""By variant, the matrix product that its arithmetic is compared with."""

COMPILING = 4.0
"""Weight of a part that compiles, beside 1 for one that does not."""


@dataclass(frozen=True)
class Sizes:
    """What is measured.

    Args:
        options: of both configs.
        batch: samples of a step.
        variants: of the steps, by name.
        windows: numbers of windows predicted at once.
        matrix: side of the matrices.
        tiles: number and side of the tiles that loaders read.
        seconds: how long every call is timed.
    """

    options: tuple[str, ...] = ()
    batch: int = 2
    variants: tuple[str, ...] = tuple(VARIANTS)
    windows: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    matrix: int = 8192
    tiles: tuple[int, int] = (16, 1024)
    seconds: float = 3.0


STUB = Sizes(
    options=(*MIT_B0, "crop_size=64"),
    batch=1,
    variants=tuple(name for name in VARIANTS if name != "compiled"),  # a minute of a CPU
    windows=(1, 2),
    matrix=64,
    tiles=(2, 96),
    seconds=0.01,
)
"""So small that a CPU goes through all parts in seconds."""


@dataclass(frozen=True)
class Part:
    """One measurement.

    Args:
        name: what its values are called in front.
        work: finds them.
        weight: how long it may take, beside the others.
    """

    name: str
    work: Work
    weight: float = 1.0


@command
def main() -> None:
    """Prints a line for each measurement and, last, the JSON object."""
    arguments = _arguments()
    device, sizes = ("cpu", STUB) if arguments.stub else ("cuda", Sizes(batch=arguments.batch))
    machine = _machine(device)
    print("; ".join(f"{name} {value}" for name, value in machine.items()), flush=True)
    run = (lambda work, seconds: measured(work)) if arguments.stub else measured_alone
    values = measure(parts(arguments.stage1, arguments.stage2, sizes, device), 60 * arguments.minutes, run)
    values.update(derived(values, sizes.batch))
    found = {**machine, "batch": sizes.batch, **values}
    print(json.dumps({name: _rounded(value) for name, value in found.items()}), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stage1", type=Path, default=STAGE1, help="config of a teacher")
    parser.add_argument("--stage2", type=Path, default=STAGE2, help="config of a SAR model of one band")
    parser.add_argument("--batch", type=int, default=Sizes.batch, help="samples of a step")
    parser.add_argument("--minutes", type=float, default=8.0, help="what all measurements may take together")
    parser.add_argument("--stub", action="store_true", help="the smallest sizes on the CPU: whether everything runs")
    arguments = parser.parse_args()
    if arguments.batch < 1:
        raise InputError(f"--batch: expected at least 1, found {arguments.batch}; correct it")
    if not 0 < arguments.minutes < math.inf:
        raise InputError(f"--minutes: expected a time above 0, found {arguments.minutes}; correct it")
    for config, option in ((arguments.stage1, "--stage1"), (arguments.stage2, "--stage2")):
        if not config.is_file():
            raise InputError(f"{option} {config}: expected a training config, found none; see configs/")
    if not (arguments.stub or torch.cuda.is_available()):
        raise InputError(
            "expected a GPU that torch can use, found none; run it where `nvidia-smi` lists one whose driver is new "
            "enough for this torch, or try --stub, which measures nothing"
        )
    return arguments


def _machine(device: str) -> Values:
    """What it is measured on."""
    versions: Values = {"torch": torch.__version__, "cuda": str(torch.version.cuda)}
    if device == "cpu":
        return {"card": "none (stub)", **versions}
    card = torch.cuda.get_device_properties(0)
    return {"card": card.name, "memory_gib": card.total_memory / GIBIBYTE, **versions}


def parts(stage1: Path, stage2: Path, sizes: Sizes, device: str) -> list[Part]:
    """All measurements, in their order."""
    found = [Part("matrix", functools.partial(matrix_peaks, device, sizes.matrix, sizes.seconds / 3))]
    places = {
        stage: Place(config, sizes.options, sizes.batch, device, sizes.seconds)
        for stage, config in zip(TILES, (stage1, stage2), strict=True)
    }
    for stage, name in itertools.product(places, sizes.variants):
        work = functools.partial(step_costs, places[stage], VARIANTS[name])
        found.append(Part(f"{stage}_{name}", work, COMPILING if name == "compiled" else 1.0))
    for dtype in PREDICTION_DTYPES:
        work = functools.partial(prediction_rates, places["stage2"], dtype, sizes.windows)
        found.append(Part(f"prediction_{dtype}", work, 2))
    for stage, place in places.items():
        found.append(Part(f"{stage}_loader", functools.partial(loader_rate, place, stage, *sizes.tiles)))
    return found


def measure(
    waiting: Sequence[Part], seconds: float, run: Callable[[Work, float], Values] = measured_alone
) -> dict[str, float | str]:
    """Values of all measurements by name; prints a line for each.

    Args:
        waiting: the measurements. Each may take its share, by weight, of what those before it have left.
        seconds: what all may take together.
        run: gives the values of one within some seconds.
    """
    end = time.monotonic() + seconds
    values: dict[str, float | str] = {}
    for number, part in enumerate(waiting):
        share = part.weight / sum(other.weight for other in waiting[number:])
        found = run(part.work, max(1.0, share * (end - time.monotonic())))
        told = ", ".join(f"{name} {_rounded(value)}" for name, value in found.items())
        print(f"{part.name:<20} {told}", flush=True)
        values.update({f"{part.name}_{name}": value for name, value in found.items()})
    return values


def derived(values: Mapping[str, float | str], batch: int) -> dict[str, float]:
    """What follows from the measurements: shares of the card's peak, and loaders against what steps need."""
    found: dict[str, float] = {}
    for stage in TILES:
        rates = {name: _number(values, f"{stage}_{name}_steps_per_second") for name in VARIANTS}
        operations = max(_number(values, f"{stage}_{name}_tflop") for name in VARIANTS)
        for name, rate in rates.items():
            peak = _number(values, f"matrix_{PEAKS[name]}_tflops")
            if rate and operations and peak:
                found[f"{stage}_{name}_share_of_peak"] = operations * rate / peak
        loaded = _number(values, f"{stage}_loader_samples_per_second")
        if loaded and any(rates.values()):
            found[f"{stage}_loader_over_step"] = loaded / (batch * max(rates.values()))
    return found


def _number(values: Mapping[str, float | str], name: str) -> float:
    """0 if it was not measured."""
    value = values.get(name, 0.0)
    return 0.0 if isinstance(value, str) else value


def _rounded(value: float | str) -> float | str:
    return value if isinstance(value, str) else float(f"{value:.4g}")


if __name__ == "__main__":
    main()
