"""What the benchmarks of networks ask about the machine and tell of it."""

from __future__ import annotations

import argparse
import os

import torch

from tools.benchmarks._measure import malloc_settings, use_default_malloc


def add_machine_arguments(parser: argparse.ArgumentParser, threads: str, cuda: str) -> None:
    """Options `--threads`, `--cuda` and `--malloc`.

    Args:
        parser: receives them.
        threads: whose CPU threads they are.
        cuda: what runs on the GPU.
    """
    parser.add_argument("--threads", type=int, default=2, help=f"CPU threads of {threads}")
    parser.add_argument("--cuda", action="store_true", help=f"{cuda} on the GPU")
    parser.add_argument(
        "--malloc",
        choices=["environment", "default"],
        default="environment",
        help="glibc's allocator as the environment sets it (see tools/environment.sh), or as it is without",
    )


def begin_on_machine(arguments: argparse.Namespace, sizes: str) -> str:
    """Applies `--malloc`, prints machine, sizes, allocator and load; returns the device, `cpu` or `cuda`."""
    if arguments.malloc == "default":
        use_default_malloc()
    name = torch.cuda.get_device_name() if arguments.cuda else f"CPU, {arguments.threads} threads"
    load = os.getloadavg()[0]
    print(f"{name}; torch {torch.__version__}; {sizes}; malloc: {malloc_settings()}; load {load:.1f}", flush=True)
    return "cuda" if arguments.cuda else "cpu"
