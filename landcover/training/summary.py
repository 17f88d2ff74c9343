"""Table of the models of a training stage: what each exports, how long it took and what it scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.report.table import result_table
from landcover.report.text_table import text_table
from landcover.run_files.manifest import FINISHED, read_manifest
from landcover.run_files.training_log import METRICS_NAME
from landcover.training.candidates import LAST

HEADS = ("model", "state", "exported", "minutes", "mIoU")


@dataclass(frozen=True)
class TrainedModel:
    """One model of a stage.

    Args:
        folder: of its training, complete; its name is the model's.
        trained: whether this call of the stage has trained it; False if it was there.
        minutes: how long this call has trained it; None if it did not.
    """

    folder: Path
    trained: bool
    minutes: float | None = None


def training_table(rows: Sequence[TrainedModel], scheme: ClassScheme = OPEN_EARTH_MAP) -> str:
    """Aligned table with a row per model, and one of IoU per class where any was scored; no newline at its end.

    `exported` tells by which rule the model's iteration was chosen, with what was logged of it; mIoU, in percent, is
    that of the model file on the validation tiles, `-` without labels.

    Args:
        rows: the models in the order of the stage.
        scheme: classes of the columns.

    Raises:
        InputError: a folder is not complete.
    """
    metrics = {row.folder.name: found for row in rows if (found := _metrics(row.folder))}
    cells = [HEADS, *(_cells(row, metrics.get(row.folder.name, {})) for row in rows)]
    table = text_table(cells, texts=3)
    return "\n".join([table, result_table({"sar_models": metrics}, scheme)]) if metrics else table


def _cells(row: TrainedModel, metrics: dict[str, Any]) -> tuple[str, ...]:
    iterations = read_manifest(row.folder / FINISHED)["made_by"]["iterations"]
    chosen = metrics.get("chosen", {"rule": LAST, "iteration": iterations})  # without labels there is no other rule
    rule = chosen["rule"]
    value = f" {chosen[rule]:.3f}" if rule in chosen else ""
    return (
        row.folder.name,
        "trained" if row.trained else "was there",
        f"{rule}{value} at {chosen['iteration']}",
        "-" if row.minutes is None else f"{row.minutes:.1f}",
        f"{100 * metrics['miou']:.1f}" if metrics else "-",
    )


def _metrics(folder: Path) -> dict[str, Any]:
    """Content of the model's score file; empty without one."""
    path = folder / METRICS_NAME
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
