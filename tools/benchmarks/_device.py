"""What the benchmark of a GPU measures with: seconds of a call, memory, float32 in its kinds, matrix products."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Literal

import torch

from tools.benchmarks._measure import Call, resident_bytes, seconds_of
from tools.benchmarks._own_process import Values

GIBIBYTE = 2**30

WARM_UP, FEWEST, MOST = 3, 3, 100
"""Calls before the timed ones, and how many of these at least and at most."""

Float32 = Literal["default", "fp32", "tf32"]
"""How a GPU multiplies float32: as torch does unless told otherwise (products of matrices in float32, convolutions in
TF32), all in float32, all in TF32."""


def use_float32(kind: Float32) -> None:
    """Sets it for this process."""
    if kind != "default":
        torch.set_float32_matmul_precision("high" if kind == "tf32" else "highest")
        torch.backends.cudnn.allow_tf32 = kind == "tf32"


def median_seconds(call: Call, device: str, seconds: float) -> float:
    """Of one call; calls it for about that long, see `FEWEST` and `MOST`."""
    for _ in range(WARM_UP):
        call()
    taken: list[float] = []
    end = time.monotonic() + seconds
    while len(taken) < FEWEST or (time.monotonic() < end and len(taken) < MOST):
        taken.append(seconds_of(call, device))
    return statistics.median(taken)


def forget_peak(device: str) -> None:
    """`peak_gib` counts from here."""
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(device: str) -> float:
    """Most that tensors took on the GPU at a time; on CPUs what the process took."""
    peak = torch.cuda.max_memory_allocated() if device == "cuda" else resident_bytes("VmHWM")
    return peak / GIBIBYTE


def matrix_peaks(device: str, side: int, seconds: float) -> Values:
    """TFLOP/s of products of two matrices of that side in float32, TF32 and bf16: what the device reaches at best."""
    kinds: dict[Float32 | Literal["bf16"], torch.dtype] = {
        "fp32": torch.float32,
        "tf32": torch.float32,
        "bf16": torch.bfloat16,
    }
    found: Values = {}
    for kind, dtype in kinds.items():
        if kind != "bf16":
            use_float32(kind)
        product = _product(torch.randn(2, side, side, device=device).to(dtype))
        found[f"{kind}_tflops"] = 2 * side**3 / median_seconds(product, device, seconds) / 1e12
    return found


def _product(pair: torch.Tensor) -> Callable[[], object]:
    out = torch.empty_like(pair[0])
    return lambda: torch.mm(pair[0], pair[1], out=out)
