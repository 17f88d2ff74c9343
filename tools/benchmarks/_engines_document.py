"""The document of the benchmark of engines."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Mapping, Sequence
from importlib import metadata
from pathlib import Path

from tools.ablation.document import markdown_table
from tools.ablation.machine import machine

READING = Path(__file__).with_name("engines_reading.md")
"""What the maintainers wrote about the tables."""

PACKAGES = ("onnxruntime", "openvino")


def document(heads: Sequence[str], tables: Mapping[str, Sequence[Sequence[str]]], threads: int, command: str) -> str:
    """The whole document.

    Args:
        heads: of the columns.
        tables: rows of every network, by its name and window.
        threads: of each side.
        command: that was given.
    """
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES)
    about = (
        f"Prediction of one window, medians. Machine: {machine()}, {versions}; {threads} thread{'s' * (threads > 1)} "
        f"for each side, a load of {os.getloadavg()[0]:.0f} on the machine: where that is more than the threads, "
        "seconds say little and CPU seconds more. Speedup is torch's CPU seconds in float32 / those of the side; "
        "differences are of probabilities, and classes the likeliest, to torch in float32. Networks named for a config "
        "have random weights and see noise: there, differences say little of a trained network."
    )
    parts = [
        "<!-- Written by tools/benchmarks/engines.py; the section Reading is tools/benchmarks/engines_reading.md. -->",
        "# Engines",
        _wrapped(about, "\n"),
        *(part for name, rows in tables.items() for part in (f"## {name}", markdown_table(heads, rows, texts=1))),
        READING.read_text(encoding="utf-8").strip(),
        "## Command",
        "```bash\nsource tools/environment.sh\n" + _wrapped(command, " \\\n    ") + "\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _wrapped(text: str, end: str) -> str:
    """Lines of at most 120 columns with what ends them."""
    return end.join(textwrap.wrap(text, width=114, break_long_words=False, break_on_hyphens=False))
