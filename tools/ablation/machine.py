"""What a study ran on."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path

import torch

CPU_INFO = Path("/proc/cpuinfo")


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0))


def machine() -> str:
    """Processor, cores, GPU if there is one, and torch, in words."""
    gpu = f", {torch.cuda.get_device_name()}" if torch.cuda.is_available() else ""
    return f"{cores()} cores of {_processor()}{gpu}, torch {metadata.version('torch')}"


def _processor() -> str:
    lines = CPU_INFO.read_text(encoding="utf-8").splitlines() if CPU_INFO.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
