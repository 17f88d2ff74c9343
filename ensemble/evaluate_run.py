"""What every product of a run is worth: the content of `metrics.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ensemble.label_maps import Ensemble
from ensemble.members import Member
from ensemble.score_submission import score_submission
from ensemble.scoring import Summary, alone, score_ensembles, score_labels, score_members
from ensemble.weights import Average
from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile, Split, dfc2025_tiles, truth_labels
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem
from landcover.labels.label_set import manual_labels, sar_grid_truth

AVERAGES: tuple[Average, ...] = ("logits", "probabilities")

UNSCORED: Summary = {"miou": None, "iou": {}, "labels": "nothing: no labels are there"}


def evaluate_run(
    run_dir: Path,
    dfc_root: Path,
    truth_root: Path,
    teachers: Sequence[str],
    members: Sequence[Member],
    others: Sequence[str],
    average: Average,
    class_weights: Mapping[str, float] | None = None,
    labels: Path | None = None,
    scheme: ClassScheme = OPEN_EARTH_MAP,
    unregistered: Path | None = None,
) -> dict[str, Any]:
    """Scores of teachers, pseudo-labels, SAR models and ensemble, each with what it was scored against.

    SAR models and ensemble are scored on the test tiles, or the val tiles where only those have labels. Without
    manual labels, pseudo-labels are compared with the published ones, and teachers keep their source score.

    SAR models and ensemble give every pixel a class. The entry `submission` scores the label PNGs instead, see
    `score_submission`; it is there if test tiles have labels and the PNGs are written.

    Args:
        run_dir: folder of the run.
        dfc_root: DFC2025 Track 1 folder.
        truth_root: folder with `<split>/labels` of manual labels; `train/labels` of `dfc_root` itself are the
            published pseudo-labels and no truth.
        teachers: names of the teachers.
        members: SAR models of the ensemble; their folders are replaced by those of the scored split.
        others: names of further SAR models, scored alone.
        average: the ensemble's average; the other one is scored too.
        class_weights: of the ensemble, see `Ensemble`.
        labels: folder of the label files that trained the SAR models; None for the pseudo-labels. Where there is a
            truth of their tiles, they are scored as `training_labels`.
        scheme: classes of scores and labels.
        unregistered: folder of these label files before they were moved onto the SAR images, None if they were not.
            Both are then scored on the truth of the SAR images where there is one, the latter as `unregistered_labels`.
    """
    metrics = {"teachers": {name: _source_score(run_dir / "teachers" / name) for name in teachers}}
    tiles = dfc2025_tiles(dfc_root, "train")
    metrics.update(_label_scores(run_dir, dfc_root, truth_root, tiles, metrics["teachers"], scheme))
    if labels is not None:
        metrics.update(_training_label_scores(tiles, labels, unregistered, truth_root, scheme))
    split, truth = _sar_truth(dfc_root, truth_root)
    names = [member.name for member in members]
    if not truth:
        unscored = dict.fromkeys((*names, *others), UNSCORED)
        return {**metrics, "sar_models": unscored, "ensemble": {**UNSCORED, "members": names}}
    told = f"manual labels of {len(truth)} {split} tiles"
    scores = run_dir / "scores" / split
    scored = [replace(member, folder=scores / member.name) for member in members]
    models = [*scored, *(Member(name, scores / name) for name in others)]
    ensembles = [
        *(Ensemble(scored, kind, class_weights or {}) for kind in AVERAGES),
        *(alone(member, truth) for member in models),
    ]
    summaries = score_ensembles(ensembles, truth, scheme, told)
    averages = dict(zip(AVERAGES, summaries, strict=False))
    of_models = summaries[len(AVERAGES) :]
    folder = run_dir / "submission"
    return {
        **metrics,
        "sar_models": {model.name: summary for model, summary in zip(models, of_models, strict=True)},
        "ensemble": {
            **averages[average],
            "average": average,
            "members": names,
            "averages": averages,
        },
        **(
            {"submission": score_submission(folder, truth, told, scheme)} if split == "test" and folder.is_dir() else {}
        ),
    }


def _source_score(folder: Path) -> Summary:
    path = folder / "metrics.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else UNSCORED


def _label_scores(
    run_dir: Path,
    dfc_root: Path,
    truth_root: Path,
    tiles: Sequence[SarTile],
    teachers: Mapping[str, Summary],
    scheme: ClassScheme,
) -> dict[str, Any]:
    """Entries of pseudo-labels, and where there is a truth of teachers and published labels too.

    A run that was trained on other labels has neither teachers nor pseudo-labels that could be scored.
    """
    folder = run_dir / "pseudo_labels"
    written = {tile.name: folder / f"{tile.name}.tif" for tile in tiles}
    published = {tile.name: tile.labels for tile in tiles if tile.labels}
    truth = truth_labels(truth_root, "train") if truth_root.resolve() != dfc_root.resolve() else {}
    truth = {name: path for name, path in truth.items() if name in written}
    if truth:
        told = f"manual labels of {len(truth)} train tiles"
        entries: dict[str, Any] = {"pseudo_labels": UNSCORED}
        if folder.is_dir():
            members = [Member(name, run_dir / "scores" / "teachers" / name) for name in teachers]
            on_target = score_members(members, truth, scheme, told)
            entries = {
                "teachers": {name: {**on_target[name], "source": teachers[name]} for name in teachers},
                "pseudo_labels": score_labels(written, truth, scheme, told),
            }
        if published:
            entries["published_labels"] = score_labels(published, truth, scheme, told)
        return entries
    if published and folder.is_dir():
        told = "published pseudo-labels of the train tiles (agreement, not accuracy)"
        return {"pseudo_labels": score_labels(written, published, scheme, told)}
    return {"pseudo_labels": UNSCORED}


def _training_label_scores(
    tiles: Sequence[SarTile],
    labels: Path,
    unregistered: Path | None,
    truth_root: Path,
    scheme: ClassScheme,
) -> dict[str, Summary]:
    """Entries of the labels that trained, and where they are registered of those before; none without a truth."""
    folders = {"training_labels": labels}
    if unregistered is not None:
        folders = {"unregistered_labels": unregistered, **folders}
    files = {entry: files_by_stem(folder, LABEL_SUFFIXES) for entry, folder in folders.items()}
    labelled = [tile for tile in tiles if tile.name in files["training_labels"]]  # manual labels may be of some alone
    truth = manual_labels(truth_root, labelled, scheme)
    if unregistered is not None:
        truth = sar_grid_truth(truth_root, labelled, scheme) or truth
    if truth is None:
        return {}
    return {entry: score_labels(found, truth.files, scheme, truth.name) for entry, found in files.items()}


def _sar_truth(dfc_root: Path, truth_root: Path) -> tuple[Split, dict[str, Path]]:
    """The labelled split on which SAR models are scored, and its manual labels; none if no split has labels."""
    splits: tuple[Split, ...] = ("test", "val")
    for split in splits:
        truth = truth_labels(truth_root, split)
        if truth:
            known = {tile.name for tile in dfc2025_tiles(dfc_root, split)}
            return split, {name: path for name, path in truth.items() if name in known}
    return "test", {}
