"""Programs that run the graph of an exported model, on CPUs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from landcover.errors import InputError
from landcover.optional_packages import optional_package

Engine = Literal["onnxruntime", "openvino"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

Precision = Literal["fp32", "bf16"]

Run = Callable[[Mapping[str, NDArray[np.float32]]], NDArray[np.float32]]
"""Logits (1, C, h, w) of the graph's inputs by name."""


def start_engine(path: Path, engine: Engine, precision: Precision = "fp32") -> Run:
    """What runs the graph of an ONNX file, with as many threads as torch has.

    Args:
        path: the file.
        engine: the program, an optional package of that name.
        precision: in which most of the graph is computed; ONNX Runtime knows fp32 alone on CPUs.

    Raises:
        InputError: the package is not installed, does not know the precision, or can not run the file.
    """
    package = optional_package(engine, str(path))
    if engine == "onnxruntime" and precision != "fp32":
        raise InputError(
            f"{path}: expected fp32 for ONNX Runtime, which has no {precision} on CPUs, found --dtype {precision}; "
            "leave it out, pass --engine openvino, or the model.pth"
        )
    try:
        return _openvino(package, path, precision) if engine == "openvino" else _onnxruntime(package, path)
    except Exception as error:  # of the package: it can not read the file, or lacks an operator
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(
            f"{path}: expected a graph that {engine} {package.__version__} runs, found one that it refuses "
            f"({reason}); export the model again, or pass its model.pth"
        ) from error


def _onnxruntime(package: Any, path: Path) -> Run:
    options = package.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    # Threads that wait for each other sleep, see tools/environment.sh.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = package.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def run(inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = session.run(None, dict(inputs))[0]
        return logits

    return run


def _openvino(package: Any, path: Path, precision: Precision) -> Run:
    core = _core(package)
    settings = {
        "INFERENCE_NUM_THREADS": torch.get_num_threads(),
        "INFERENCE_PRECISION_HINT": {"fp32": "f32", "bf16": "bf16"}[precision],
        "PERFORMANCE_HINT": "LATENCY",
    }
    compiled = core.compile_model(core.read_model(path), "CPU", settings)

    def run(inputs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
        logits: NDArray[np.float32] = compiled(dict(inputs))[0]
        return logits

    return run


@functools.cache
def _core(openvino: Any) -> Any:
    """One for the process, which keeps it.

    A core brings a stack on which the process handles its signals, and when it goes it gives back the one before. Of
    two, the second would give back the first one's, which is no more: the next signal would end the process.
    """
    return openvino.Core()
