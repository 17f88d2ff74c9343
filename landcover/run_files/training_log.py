"""The log of a training: one JSON object per line; and what the files beside it are called."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

LOG_NAME, METRICS_NAME, CONFIG_NAME = "log.jsonl", "metrics.json", "config.py"
"""What a training leaves beside its model: the log, scores of the model, and the config with everything filled in."""


def append_log(path: Path, line: Mapping[str, float]) -> None:
    """Adds one line to a training log."""
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


def read_log(path: Path) -> list[dict[str, float]]:
    """Lines of a training log; a last line cut off by a kill is left out."""
    lines = []
    for text in path.read_text(encoding="utf-8").splitlines():
        try:
            lines.append(json.loads(text))
        except ValueError:
            break
    return lines
