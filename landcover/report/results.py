"""Scores of `metrics.json`, in groups of rows that are comparable with each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from landcover.errors import InputError

Metrics = Mapping[str, Any]  # content of metrics.json

LABEL_ROWS = {
    "published_labels": "published labels",
    "pseudo_labels": "pseudo-labels of the teachers",
    "unregistered_labels": "labels before registration",
    "training_labels": "labels that trained the SAR models",
}
"""Label files that are scored, and what tables call them; the last ones are there where they are others."""


@dataclass(frozen=True)
class ScoreRow:
    """Scores of one model, one set of label files or one ensemble.

    Args:
        name: what was scored.
        labels: what it was scored against.
        miou: 0..1, None if no class occurs.
        iou: 0..1 by class name, None for a class absent from truth and prediction.
    """

    name: str
    labels: str
    miou: float | None
    iou: Mapping[str, float | None]


@dataclass(frozen=True)
class ScoreGroup:
    """Rows of one kind that were scored against the same labels, so that their scores compare."""

    title: str
    labels: str
    rows: tuple[ScoreRow, ...]

    def best(self, column: str | None) -> float | None:
        """Largest score of a class, or mIoU for None; None if the group has fewer than two scores there."""
        scores = [score for row in self.rows if (score := score_of(row, column)) is not None]
        return max(scores) if len(scores) > 1 else None


def score_of(row: ScoreRow, column: str | None) -> float | None:
    """IoU of the class `column`, or mIoU for None."""
    return row.miou if column is None else row.iou.get(column)


def score_groups(metrics: Metrics) -> list[ScoreGroup]:
    """Groups in the order of the stages; what was not scored is left out.

    SAR models and ensemble share a group where they were scored against the same labels.

    Raises:
        InputError: an entry is not one that the stages write.
    """
    try:
        keyed = list(_rows(metrics))
    except (AttributeError, KeyError, TypeError) as error:
        raise InputError(
            f"metrics.json: expected entries with miou, iou and labels, found {type(error).__name__} {error}; "
            "delete it and run the stages again"
        ) from error
    return [
        ScoreGroup(title, labels, tuple(row for _, row in rows))
        for (title, labels), rows in groupby(keyed, key=lambda pair: (pair[0], pair[1].labels))
    ]


def member_names(metrics: Metrics) -> list[str]:
    """SAR models of the ensemble; all of them where the ensemble does not name its members."""
    return (metrics.get("ensemble") or {}).get("members") or sorted(metrics.get("sar_models") or {})


def member_mean(metrics: Metrics) -> float | None:
    """Mean mIoU of the members, None unless all were scored against the labels of the ensemble."""
    ensemble, scored = metrics.get("ensemble"), metrics.get("sar_models") or {}
    members = [scored[name] for name in member_names(metrics) if name in scored]
    if not ensemble or not members or any(member.get("labels") != ensemble["labels"] for member in members):
        return None
    scores = [member["miou"] for member in members]
    return None if None in scores else sum(scores) / len(scores)


def _rows(metrics: Metrics) -> Iterator[tuple[str, ScoreRow]]:
    """Title of the group and row, for every entry."""
    teachers = metrics.get("teachers") or {}
    for name in sorted(teachers):
        if source := teachers[name].get("source"):
            yield "Teachers, source", _row(name, source)
    for name in sorted(teachers):
        if "miou" in teachers[name]:
            # Without a truth of the target, the source score is the only one.
            yield "Teachers, target" if "source" in teachers[name] else "Teachers", _row(name, teachers[name])
    for key, name in LABEL_ROWS.items():
        if metrics.get(key):
            yield "Training labels", _row(name, metrics[key])
    sar_models, ensemble = metrics.get("sar_models") or {}, metrics.get("ensemble")
    together = ensemble and all(entry["labels"] == ensemble["labels"] for entry in sar_models.values())
    for name in sorted(sar_models):
        yield "SAR models and ensemble" if together else "SAR models", _row(name, sar_models[name])
    if ensemble:
        title = "SAR models and ensemble" if together and sar_models else "Ensemble"
        yield from ((title, row) for row in _ensemble_rows(ensemble))


def _ensemble_rows(ensemble: Metrics) -> Iterator[ScoreRow]:
    """The submitted ensemble, then every other way of averaging that was scored."""
    averages = ensemble.get("averages") or {}
    submitted = [name for name in sorted(averages) if averages[name]["iou"] == ensemble["iou"]]
    yield _row(f"ensemble, mean of {submitted[0]} (submitted)" if submitted else "ensemble", ensemble)
    for name in sorted(averages):
        if name not in submitted[:1]:
            yield _row(f"ensemble, mean of {name}", averages[name])


def _row(name: str, entry: Metrics) -> ScoreRow:
    return ScoreRow(name, str(entry["labels"]), entry["miou"], dict(entry["iou"].items()))
