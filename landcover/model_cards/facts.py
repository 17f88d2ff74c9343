"""What the files of a training tell of its model."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.model_cards.origins import Origins, origins_of
from landcover.networks.model_file import MODEL_NAME, ModelInfo, read_content
from landcover.run_files.manifest import FINISHED, read_manifest
from landcover.run_files.training_log import LOG_NAME, METRICS_NAME, read_log

SCORES = {"teachers": ("teachers/{name}",), "sar_models": ("test/{name}", "val/{name}")}
"""Folders of score files below `scores/` of a run that `metrics.json` scores, by the folder of the models."""


@dataclass(frozen=True)
class Score:
    """A score of the model.

    Args:
        values: as in `metrics.json`: `labels`, `miou`, `iou` of every class.
        views: test-time views of each tile.
    """

    values: Mapping[str, Any]
    views: int = 1


@dataclass(frozen=True)
class ModelFacts:
    """A trained model in its folder.

    Args:
        info: of the model file.
        network: its config, JSON values.
        digest: SHA-256 of the model file.
        manifest: of the training.
        origins: what it was made of.
        scores: on labelled tiles, of the training first.
        logged: what was logged of the exported model, by name.
        chosen: by which rule it was exported, and at which iteration.
    """

    info: ModelInfo
    network: Mapping[str, Any]
    digest: str
    manifest: Mapping[str, Any]
    origins: Origins
    scores: Sequence[Score]
    logged: Mapping[str, float]
    chosen: tuple[str, int]


def read_facts(folder: Path, data: Sequence[str] = ()) -> ModelFacts:
    """The facts of the finished training in `folder`, and of its run where that has scored the model since.

    Args:
        folder: of the training.
        data: names of its data sets, where its manifest does not tell them.

    Raises:
        InputError: no finished training.
    """
    content = read_content(folder / MODEL_NAME)
    manifest = read_manifest(folder / FINISHED)
    digests = {row["name"]: row["sha256"] for row in manifest["files"]}
    if MODEL_NAME not in digests:
        raise InputError(f"{folder / FINISHED}: expected the manifest of a training, found another; pass its folder")
    origins = origins_of(folder)
    metrics = _json(folder / METRICS_NAME)
    iterations = manifest["made_by"]["iterations"]
    chosen = metrics.get("chosen") or {"rule": "last", "iteration": iterations}
    scores = [Score(metrics)] if metrics else []
    return ModelFacts(
        ModelInfo.of_json(content["info"], folder / MODEL_NAME),
        json.loads(content["network"]),
        digests[MODEL_NAME],
        manifest,
        replace(origins, data=origins.data or tuple(data)),
        [*scores, *_scores_of_run(folder, digests[MODEL_NAME])],
        _logged(folder / LOG_NAME, chosen["iteration"]),
        (chosen["rule"], chosen["iteration"]),
    )


def _scores_of_run(folder: Path, digest: str) -> list[Score]:
    """What stage 50 has found of this very model, if it has."""
    run, group, name = folder.parent.parent, folder.parent.name, folder.name
    values = _json(run / METRICS_NAME).get(group, {}).get(name)
    for place in SCORES.get(group, ()):
        path = run / "scores" / place.format(name=name) / FINISHED
        if values and path.is_file():
            manifest = read_manifest(path)
            if manifest["inputs"]["model"] == digest:
                made_by = manifest["made_by"]
                return [Score(values, len(made_by["scales"]) * len(made_by["flips"]))]
    return []


def _logged(path: Path, iteration: int) -> dict[str, float]:
    """What evaluations logged at an iteration; lines with a rate are the losses'."""
    lines = read_log(path) if path.is_file() else []
    found = [line for line in lines if line["iteration"] == iteration and "lr" not in line]
    return {name: value for line in found for name, value in line.items() if name != "iteration"}


def _json(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
