"""Seconds in which one window is predicted, by torch and by the engines that run exported models.

All sides have the same weights, see the same window and have the same threads. Each takes turns with torch in float32,
both in processes of their own, so that memory holds no more than two. Networks are those of configs, with random
weights, on which speed does not depend, and on noise; or trained models, on the middle of the last of `WINDOWS + 1`
tiles, where the share of pixels that keep their class tells what bf16 and 8 bits cost. Beside other work (the first
line tells the load) seconds say little, CPU seconds of all threads more. The last line is a JSON object:
`<network>_<side>` is torch's CPU seconds in float32 / those of the side beside it. `--out FILE.md` writes the tables as
a document.
"""

from __future__ import annotations

import argparse
import functools
import json
import multiprocessing
import shlex
import shutil
import statistics
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import MODEL_NAME, load_model
from landcover.prediction.export import export_to_onnx, middles
from landcover.prediction.image_folders import image_folders
from landcover.prediction.sliding_window import DIVISOR
from landcover.registry import register_all
from landcover.report.text_table import text_table
from landcover.run_files.atomic import write_text
from tools.benchmarks._engines_document import document
from tools.benchmarks._int8_model import write_int8
from tools.benchmarks._machine import add_machine_arguments, begin_on_machine
from tools.benchmarks._measure import Call, cpu_seconds, print_result, take_turns
from tools.benchmarks._random_models import write_random_model

TORCH = "torch"

SIDES = ("torch_bf16", "torch_compile", "onnxruntime", "onnxruntime_int8", "openvino", "openvino_bf16", "openvino_int8")
"""What is compared with torch in float32."""

HEADS = ("side", "s", "CPU s", "speedup", "largest diff.", "mean diff.", "same class")
FAILED = ("failed", *[""] * (len(HEADS) - 2))

MODEL_SUFFIX = Path(MODEL_NAME).suffix

WINDOWS = 4
"""Windows on which 8-bit ranges are measured; another one is predicted."""


@dataclass(frozen=True)
class Measured:
    """What a side costs for one window, and how far its probabilities are from those of torch in float32.

    Args:
        seconds: median.
        cpu_seconds: median over the same calls, of all threads.
        speedup: torch's CPU seconds in turns with the side / those of the side.
        largest: largest difference of a probability.
        mean: mean difference.
        same: share of the logits' positions where the likeliest class is the same.
    """

    seconds: float
    cpu_seconds: float
    speedup: float
    largest: float
    mean: float
    same: float


def main() -> None:
    """Prints a table for every network and, last, the JSON object."""
    arguments = _arguments()
    begin_on_machine(arguments, f"window {arguments.window}")
    register_all()
    found, tables = {}, {}
    for network in arguments.networks:
        with tempfile.TemporaryDirectory() as folder:
            side = prepared(network, Path(folder), arguments)
            measured = measure(Path(folder), arguments)
        name = network.parent.name if network.suffix == MODEL_SUFFIX else network.stem
        title = f"{name}, {side} x {side}"
        tables[title] = rows(measured)
        print(f"\n{title}\n{text_table([HEADS, *tables[title]])}", flush=True)
        found.update({f"{name}_{key}": cost.speedup for key, cost in measured.items() if cost})
    if arguments.out:
        command = shlex.join(["python", "tools/benchmarks/engines.py", *sys.argv[1:]])
        write_text(arguments.out, document(HEADS, tables, arguments.threads, command))
    print_result(found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", type=Path, help="configs of stage 2, and trained models (model.pth)")
    parser.add_argument("--window", type=int, default=512, help="side of the configs' windows, pixels")
    parser.add_argument("--images", type=Path, help=f"folder of SAR images for trained models, at least {WINDOWS + 1}")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=list(SIDES), help="what is compared with torch")
    parser.add_argument("--repeats", type=int, default=7, help="timed predictions of each side")
    parser.add_argument("--out", type=Path, help="document to write (.md)")
    add_machine_arguments(parser, threads="a side", cuda="networks")
    arguments = parser.parse_args()
    if arguments.cuda:
        parser.error("exported models run on CPUs")
    if arguments.images is None and any(path.suffix == MODEL_SUFFIX for path in arguments.networks):
        parser.error("trained models are compared on images: pass --images")
    return arguments


def prepared(network: Path, folder: Path, arguments: argparse.Namespace) -> int:
    """As `prepare`, in a process that gives back the memory of the export."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(prepare, network, folder, arguments).result()


def prepare(network: Path, folder: Path, arguments: argparse.Namespace) -> int:
    """Writes the files that the sides need: `model.pth`, `model.onnx`, `int8.onnx`, and `window.npy` to predict.

    Returns:
        Side of the window, pixels.
    """
    register_all()
    model = folder / MODEL_NAME
    if network.suffix == MODEL_SUFFIX:
        shutil.copyfile(network, model)
        windows = _middles(model, arguments.images)
    else:
        write_random_model(network, model, arguments.window, ["pretrained=None"])
        shape = (WINDOWS + 1, 1, 1, arguments.window, arguments.window)
        windows = [*np.random.default_rng(0).standard_normal(shape, dtype=np.float32)]
    np.save(folder / "window.npy", windows[-1])
    if any(not side.startswith("torch") for side in arguments.sides):
        export_to_onnx(model, folder / "model.onnx")
    if any(side.endswith("int8") for side in arguments.sides):
        write_int8(folder / "model.onnx", folder / "int8.onnx", windows[:-1])
    return windows[-1].shape[-1]


def _middles(model: Path, folder: Path) -> list[NDArray[np.float32]]:
    """Windows of the first images of a folder, for a model of SAR images."""
    network, info = load_model(model, torch.device("cpu"))
    images = [*image_folders([str(folder)], info.modality).values()][: WINDOWS + 1]
    side = info.window + -info.window % DIVISOR
    return [window.numpy() for window in middles(network, info, side, images)]


def measure(folder: Path, arguments: argparse.Namespace) -> dict[str, Measured | None]:
    """What torch and each side cost; None for a side that can not run the network, which stderr tells."""
    found: dict[str, Measured | None] = {}
    for side in arguments.sides:
        builds = {name: functools.partial(build, name, folder, arguments.threads) for name in (TORCH, side)}
        try:
            costs = take_turns(builds, arguments.repeats, warm_up=2)
        except RuntimeError as error:
            print(error, file=sys.stderr, flush=True)
            found[side] = None
            continue
        cpu = {name: _cpu_seconds(folder, name, arguments.repeats) for name in builds}
        given = {name: np.load(folder / f"{name}.npy") for name in builds}
        for name in builds if TORCH not in found else (side,):
            apart, same = np.abs(given[name] - given[TORCH]), given[name].argmax(1) == given[TORCH].argmax(1)
            differences = float(apart.max()), float(apart.mean()), float(same.mean())
            found[name] = Measured(costs[name].seconds, cpu[name], cpu[TORCH] / cpu[name], *differences)
    return found


def _cpu_seconds(folder: Path, side: str, repeats: int) -> float:
    taken = json.loads((folder / f"{side}.json").read_text(encoding="utf-8"))
    return statistics.median(taken[-repeats:])


def build(side: str, folder: Path, threads: int) -> Call:
    """Predicts the window of `folder`; keeps the probabilities and the CPU seconds of all calls there."""
    torch.set_num_threads(threads)
    register_all()
    network, window = _network(side, folder), torch.from_numpy(np.load(folder / "window.npy"))
    taken: list[float] = []

    @torch.inference_mode()
    def logits() -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=side.endswith("bf16")):
            found: torch.Tensor = network(window, mode="tensor")
        return found

    def predict() -> None:
        taken.append(cpu_seconds(logits))
        if len(taken) == 1:
            np.save(folder / f"{side}.npy", logits().float().softmax(1).numpy())
        (folder / f"{side}.json").write_text(json.dumps(taken), encoding="utf-8")

    return predict


def rows(measured: Mapping[str, Measured | None]) -> list[tuple[str, ...]]:
    """The table of a network, without its heads."""
    return [(side.replace("_", " "), *(_cells(cost) if cost else FAILED)) for side, cost in measured.items()]


def _cells(cost: Measured) -> tuple[str, ...]:
    speed = f"{cost.seconds:.3f}", f"{cost.cpu_seconds:.3f}", f"{cost.speedup:.2f}"
    return (*speed, f"{cost.largest:.1e}", f"{cost.mean:.1e}", f"{100 * cost.same:.2f} %")


def _network(side: str, folder: Path) -> nn.Module:
    if side.startswith("torch"):
        network = load_model(folder / "model.pth", torch.device("cpu"))[0]
        return torch.compile(network) if side == "torch_compile" else network  # type: ignore[return-value]
    path = folder / ("int8.onnx" if side.endswith("int8") else "model.onnx")
    return ExportedNetwork(path, "openvino" if side.startswith("openvino") else "onnxruntime")


if __name__ == "__main__":
    main()
