"""Jobs of a study, and the scores of their files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from ensemble.members import Member
from ensemble.scoring import Summary, score_ensemble
from landcover.classes import OPEN_EARTH_MAP
from landcover.metrics import ConfusionMatrix
from landcover.networks.model_file import MODEL_NAME
from landcover.run_files.training_log import METRICS_NAME
from tools.ablation.jobs import Command, Job
from tools.ablation.results import RowResult, Score
from tools.ablation.spread import spread
from tools.ablation.study import Model, Row, Study, Views


def plan_jobs(study: Study, rows: Sequence[Row], seeds: Sequence[int], folder: Path, data: str) -> list[Job]:
    """Jobs of `rows`, seed by seed, so that a stopped study has whole seeds; each model is trained once per seed.

    Args:
        study: holds the rows.
        rows: to be scored.
        seeds: of the trainings.
        folder: receives `<model>/<seed>/`.
        data: what the data are made from.

    Raises:
        InputError: a config or an option is not valid.
    """
    needed = study.needed(rows)
    texts = {model: model.loaded().pretty_text for model in needed}
    return [
        Job(
            name=f"{model.name}, seed {seed}",
            folder=_place(folder, model, seed),
            commands=_commands(study, model, views, _place(folder, model, seed), seed),
            made_from=f"{data}\n{texts[model]}",
        )
        for seed in seeds
        for model, views in needed.items()
    ]


def score_rows(study: Study, rows: Sequence[Row], seeds: Sequence[int], folder: Path) -> list[RowResult]:
    """Scores of `rows` from the files of their finished jobs; arguments as in `plan_jobs`."""
    return [
        RowResult(
            row.name,
            row.title,
            row.before,
            {seed: score_row(study, row, folder, [*seeds[start:], *seeds[:start]]) for start, seed in enumerate(seeds)},
            row.group,
        )
        for row in rows
    ]


def score_row(study: Study, row: Row, folder: Path, seeds: Sequence[int]) -> Score:
    """Score of one row: one confusion matrix over the tiles of all parts.

    Args:
        study: holds the row.
        row: what is scored.
        folder: of the study's runs.
        seeds: the seed that is scored, and behind it the others for parts that average several.
    """
    matrix = ConfusionMatrix(OPEN_EARTH_MAP)
    for part in row.parts:
        members = [
            Member(f"{model.name} {seed}", _scores(_place(folder, model, seed), row.views))
            for model in part.models
            for seed in seeds[: part.seeds]
        ]
        truth = {tile: study.truth[tile] for tile in part.tiles}
        summary = score_ensemble(members, truth, "probabilities", OPEN_EARTH_MAP, study.labels)
        matrix.counts += summary["confusion"]
        matrix.missed += summary["missed"]
    total: Summary = matrix.summary(study.labels)
    source = spread([_source_miou(model.folder(_place(folder, model, seeds[0]))) for model in row.models])
    return Score(total["miou"], total["iou"], source.mean if source else None)


def training_seconds(study: Study, rows: Sequence[Row], jobs: Sequence[Job]) -> dict[str, dict[int, float | None]]:
    """Seconds of the training of every model and seed; None where they were not recorded."""
    known = {job.folder: job.record().get("seconds", {}).get("training") for job in jobs}
    names = [model.name for model in study.needed(rows)]
    return {
        name: {int(place.name): value for place, value in known.items() if place.parent.name == name} for name in names
    }


def _commands(study: Study, model: Model, views: Sequence[Views], place: Path, seed: int) -> tuple[Command, ...]:
    trained = model.folder(place)
    training = Command("training", tuple(model.command(place, seed)), trained)
    return (training, *(_prediction(study, trained / MODEL_NAME, _scores(place, kind), kind) for kind in views))


def _prediction(study: Study, model: Path, out: Path, views: Views) -> Command:
    words = ["tools.ablation.predict", "--model", str(model), "--images", str(study.images), "--out", str(out)]
    words += ["--scales", *map(str, views.scales), "--flips", *views.flips]
    return Command("prediction", tuple(words), out)


def _place(folder: Path, model: Model, seed: int) -> Path:
    return folder / model.name / str(seed)


def _scores(place: Path, views: Views) -> Path:
    return place / "scores" / views.name


def _source_miou(folder: Path) -> float | None:
    path = folder / METRICS_NAME
    return json.loads(path.read_text(encoding="utf-8"))["miou"] if path.exists() else None
