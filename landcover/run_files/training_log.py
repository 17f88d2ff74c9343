"""The log of a training: one JSON object per line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

LOG_NAME = "log.jsonl"


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
