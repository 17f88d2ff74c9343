"""Scores of a study: from score files to spreads over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from tools.ablation.spread import Spread, paired_difference, spread
from tools.ablation.study import Matrix, Sections


@dataclass(frozen=True)
class Score:
    """One row with one seed.

    Args:
        miou: 0..1.
        iou: 0..1 by class name, None for a class absent from truth and prediction.
        source_miou: 0..1, mean over the row's models on the source's validation tiles; None if not scored.
    """

    miou: float
    iou: Mapping[str, float | None]
    source_miou: float | None


@dataclass(frozen=True)
class RowResult:
    """A row of a study with its score for every seed.

    Args:
        name: see `Row`.
        title: see `Row`.
        before: see `Row`.
        scores: by seed.
        group: see `Row`.
    """

    name: str
    title: str
    before: str | None
    scores: Mapping[int, Score]
    group: str = ""

    def miou(self) -> Spread | None:
        """Target mIoU over seeds."""
        return spread([score.miou for score in self.scores.values()])

    def iou(self, name: str) -> Spread | None:
        """IoU of one class over seeds; None if it is absent with some seed."""
        return spread([score.iou[name] for score in self.scores.values()])

    def source_miou(self) -> Spread | None:
        """Source-validation mIoU over seeds."""
        return spread([score.source_miou for score in self.scores.values()])

    def gain(self, before: RowResult | None) -> Spread | None:
        """Difference of the target mIoU to another row, paired by seed; None without that row."""
        if before is None:
            return None
        mine, theirs = self.scores, before.scores
        return paired_difference([mine[seed].miou for seed in mine], [theirs[seed].miou for seed in mine])


@dataclass(frozen=True)
class Results:
    """All that the document tells.

    Args:
        study: its name.
        title: see `Study`.
        about: see `Study`.
        labels: what the rows were scored against.
        seeds: of all rows.
        rows: in the order of the study, all of them or some.
        iterations: of the trainings, by config.
        shortened: whether the command set them.
        seconds: of the training of each model and seed, where known.
        job_seconds: of all trainings and predictions together.
        jobs: trainings at a time, at the last call.
        machines: all that took part, in words.
        versions: of the packages.
        command: that wrote the results.
        matrix: see `Study`.
        sections: what is told beside the rows.
        scheme: class scheme of the scores.
    """

    study: str
    title: str
    about: str
    labels: str
    seeds: Sequence[int]
    rows: Sequence[RowResult]
    iterations: Mapping[str, int]
    shortened: bool
    seconds: Mapping[str, Mapping[int, float | None]]
    job_seconds: float
    jobs: int
    machines: Sequence[str]
    versions: Mapping[str, str]
    command: str
    matrix: Matrix | None = None
    sections: Sections = Sections()  # noqa: RUF009  (immutable)
    scheme: ClassScheme = OPEN_EARTH_MAP

    def groups(self) -> dict[str, list[RowResult]]:
        """Rows by group, in order; all under an empty name if they have none."""
        groups: dict[str, list[RowResult]] = {}
        for row in self.rows:
            groups.setdefault(row.group, []).append(row)
        return groups

    def gains(self) -> list[Spread | None]:
        """Of every row, the difference to the row that it adds to; None where that is missing."""
        by_name = {row.name: row for row in self.rows}
        return [row.gain(by_name.get(row.before or "")) for row in self.rows]

    def gains_over_first(self) -> list[Spread | None]:
        """Of every row, the difference to the first of its group; None for that itself."""
        groups = self.groups()
        return [None if row is groups[row.group][0] else row.gain(groups[row.group][0]) for row in self.rows]

    def to_json(self) -> dict[str, Any]:
        """Everything as JSON values, scores 0..1."""
        rows = [
            {
                "name": row.name,
                "title": row.title,
                "group": row.group,
                "miou": _values(row.miou()),
                "before": row.before,
                "difference": _values(gain),
                "difference_to_first": _values(over_first),
                "source_miou": _values(row.source_miou()),
                "iou": {name: _values(row.iou(name)) for name in self.scheme.classes},
                "seeds": {
                    str(seed): {"miou": score.miou, "iou": dict(score.iou), "source_miou": score.source_miou}
                    for seed, score in row.scores.items()
                },
            }
            for row, gain, over_first in zip(self.rows, self.gains(), self.gains_over_first(), strict=True)
        ]
        return {
            "study": self.study,
            "title": self.title,
            "command": self.command,
            "labels": self.labels,
            "seeds": list(self.seeds),
            "iterations": dict(self.iterations),
            "machines": list(self.machines),
            "versions": dict(self.versions),
            "jobs": self.jobs,
            "job_seconds": self.job_seconds,
            "training_seconds": {
                name: {str(seed): value for seed, value in by_seed.items()} for name, by_seed in self.seconds.items()
            },
            "rows": rows,
            **self.sections.values,
        }


def _values(of: Spread | None) -> dict[str, float | int | None] | None:
    return None if of is None else {"mean": of.mean, "sd": of.deviation, "n": of.count}
