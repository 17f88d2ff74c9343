"""What the folder of a run holds, read once; whatever is missing stays empty."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.report.results import member_names
from landcover.run_files.manifest import FINISHED, read_manifest
from landcover.run_files.training_log import LOG_NAME, read_log

TRAININGS = (("teachers", "Teachers"), ("sar_models", "SAR models"))
"""Folders of trained models and their headings."""


Points = tuple[tuple[float, float], ...]
"""Pairs (iteration, value) in the order of the log."""


@dataclass(frozen=True)
class TrainingLog:
    """What one training has logged.

    Args:
        name: name of the model.
        loss: the loss that was minimised.
        validation_miou: 0..1, on the validation tiles.
        target_agreement: 0..1, share of the target's pixels to which a teacher and its student give the same class.
        target_confidence: 0..1, a teacher's mean confidence on the target.
        rule: what chose the iteration of the exported model: "last" or the name of a logged value; None while unknown.
        chosen: that iteration; None while unknown.
    """

    name: str
    loss: Points
    validation_miou: Points = ()
    target_agreement: Points = ()
    target_confidence: Points = ()
    rule: str | None = None
    chosen: int | None = None


@dataclass(frozen=True)
class Run:
    """A run folder.

    Args:
        folder: the folder itself.
        metrics: content of `metrics.json`, empty without one.
        manifests: every manifest, by its folder relative to the run, in order.
        logs: training logs by heading, without the empty ones.
    """

    folder: Path
    metrics: Mapping[str, Any]  # JSON values
    manifests: Mapping[str, Mapping[str, Any]]  # JSON values
    logs: Mapping[str, tuple[TrainingLog, ...]]

    def maps(self) -> dict[str, Path]:
        """Submitted label maps by tile name, sorted."""
        return {path.stem: path for path in sorted((self.folder / "submission").glob("[!.]*.png"))}

    def pseudo_labels(self) -> dict[str, Path]:
        """Pseudo-label files by tile name, sorted."""
        return {path.stem: path for path in sorted((self.folder / "pseudo_labels").glob("[!.]*.tif"))}

    def member_scores(self, tile: str) -> list[Path]:
        """Score files of one test tile, by member."""
        members = member_names(self.metrics)
        found = sorted((self.folder / "scores" / "test").glob(f"[!.]*/{tile}.tif"))
        return [path for path in found if not members or path.parent.name in members]


def collect_run(folder: Path) -> Run:
    """Reads metrics, manifests and logs of a run.

    Raises:
        InputError: the folder is missing, or a file in it is damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of a run, found none; run the stages first, or set RUN_DIR")
    manifests = {
        path.parent.relative_to(folder).as_posix(): read_manifest(path) for path in sorted(folder.rglob(FINISHED))
    }
    logs = {title: _read_logs(folder / name) for name, title in TRAININGS}
    return Run(
        folder, _read_metrics(folder / "metrics.json"), manifests, {key: rows for key, rows in logs.items() if rows}
    )


def _read_metrics(path: Path) -> Mapping[str, Any]:
    if not path.is_file():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}; delete it and run its stage again") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(content).__name__}; delete it and run again")
    return content


def _read_logs(folder: Path) -> tuple[TrainingLog, ...]:
    logs = [_read_training_log(path) for path in sorted(folder.glob(f"[!.]*/{LOG_NAME}"))]
    return tuple(log for log in logs if log.loss or log.validation_miou)


def _read_training_log(path: Path) -> TrainingLog:
    lines = read_log(path)
    points = {
        key: tuple((line["iteration"], line[key]) for line in lines if line.get(key) is not None)
        for key in ("loss", "validation_miou", "target_agreement", "target_confidence")
    }
    chosen = _read_metrics(path.with_name("metrics.json")).get("chosen", {})
    return TrainingLog(path.parent.name, **points, rule=chosen.get("rule"), chosen=chosen.get("iteration"))
