"""Scores of label maps and of ensembles against manual labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.label_maps import Ensemble, label_maps
from ensemble.members import Member
from ensemble.weights import Average
from landcover.classes import ClassScheme
from landcover.errors import InputError, shorten
from landcover.images.label_file import read_labels
from landcover.metrics import ConfusionMatrix
from landcover.processes.cores import usable_cores
from landcover.processes.progress import track
from landcover.score_files.score_file import read_header

Summary = dict[str, Any]  # part of metrics.json, see `ConfusionMatrix.summary`

LabelMap = tuple[Path, NDArray[np.uint8]]
"""A label map and the file that it came from, for messages."""


def score_labels(predicted: Mapping[str, Path], truth: Mapping[str, Path], scheme: ClassScheme, labels: str) -> Summary:
    """Summary of `ConfusionMatrix` over all tiles of `truth`, with its counts as `confusion` and `missed`.

    Args:
        predicted: label file of each tile, PNG or TIFF; tiles without truth are left out.
        truth: manual label file of each tile.
        scheme: class scheme of both.
        labels: what `truth` is, for the reader of the summary.

    Raises:
        InputError: no truth, a tile of `truth` is not predicted, or the two maps of a tile differ in size.
    """
    _check_predicted(list(predicted), truth)

    def maps(tile: str) -> list[LabelMap]:
        return [(predicted[tile], read_labels(predicted[tile], scheme))]

    return _summaries(maps, 1, truth, scheme, labels)[0]


def score_ensembles(
    ensembles: Sequence[Ensemble],
    truth: Mapping[str, Path],
    scheme: ClassScheme,
    labels: str,
    quiet: bool = False,
) -> list[Summary]:
    """As `score_labels`, of every average, without writing label maps; what several need is decoded once.

    `quiet` shows no progress.
    """
    for member in {member.folder: member for ensemble in ensembles for member in ensemble.members}.values():
        _check_predicted(member.tiles(), truth, member)

    def maps(tile: str) -> list[LabelMap]:
        paths = [ensemble.members[0].score_file(tile) for ensemble in ensembles]
        return list(zip(paths, label_maps(ensembles, tile, scheme), strict=True))

    return _summaries(maps, len(ensembles), truth, scheme, labels, quiet)


def score_ensemble(
    members: Sequence[Member],
    truth: Mapping[str, Path],
    average: Average,
    scheme: ClassScheme,
    labels: str,
    class_weights: Mapping[str, float] | None = None,
) -> Summary:
    """As `score_ensembles`, of one average, quietly."""
    return score_ensembles([Ensemble(members, average, class_weights or {})], truth, scheme, labels, quiet=True)[0]


def score_members(
    members: Sequence[Member], truth: Mapping[str, Path], scheme: ClassScheme, labels: str
) -> dict[str, Summary]:
    """Summary of every member `alone`, by name; as `score_labels`."""
    summaries = score_ensembles([alone(member, truth) for member in members], truth, scheme, labels)
    return {member.name: summary for member, summary in zip(members, summaries, strict=True)}


def alone(member: Member, truth: Mapping[str, Path]) -> Ensemble:
    """A member as an ensemble of itself, from its score files in their own encoding.

    Raises:
        InputError: no truth, or a tile of `truth` is not predicted.
    """
    _check_predicted(member.tiles(), truth, member)
    encoding = read_header(member.score_file(min(truth))).encoding
    return Ensemble([member], "logits" if encoding == "logit" else "probabilities")


def _summaries(
    maps: Callable[[str], Sequence[LabelMap]],
    count: int,
    truth: Mapping[str, Path],
    scheme: ClassScheme,
    labels: str,
    quiet: bool = True,
) -> list[Summary]:
    """Scores of the `count` label maps that `maps` makes of every tile of `truth`."""
    totals = [ConfusionMatrix(scheme) for _ in range(count)]

    def counted(tile: str) -> list[ConfusionMatrix]:
        expected = read_labels(truth[tile], scheme)
        return [_counts(expected, truth[tile], *found, scheme) for found in maps(tile)]

    # Decompression, most of the work, runs outside Python's lock.
    with ThreadPoolExecutor(usable_cores()) as pool:
        for matrices in track(pool.map(counted, sorted(truth)), "scores", len(truth), quiet=quiet):
            for total, matrix in zip(totals, matrices, strict=True):
                total.merge(matrix)
    return [
        {**total.summary(labels), "confusion": total.counts.tolist(), "missed": total.missed.tolist()}
        for total in totals
    ]


def _counts(
    expected: NDArray[np.uint8], truth: Path, path: Path, predicted: NDArray[np.uint8], scheme: ClassScheme
) -> ConfusionMatrix:
    if expected.shape != predicted.shape:
        raise InputError(
            f"{path}: expected {expected.shape[0]}x{expected.shape[1]} pixels as {truth}, "
            f"found {predicted.shape[0]}x{predicted.shape[1]}; predict this tile at its own size"
        )
    matrix = ConfusionMatrix(scheme)
    matrix.add(expected, predicted)
    return matrix


def _check_predicted(predicted: Sequence[str], truth: Mapping[str, Path], member: Member | None = None) -> None:
    if not truth:
        raise InputError("expected manual labels to score against, found none; score only where a labels folder exists")
    missing = sorted(set(truth) - set(predicted))
    if missing:
        who = f"{member.folder}: " if member else ""
        raise InputError(
            f"{who}expected a prediction for each of {len(truth)} labelled tiles, {len(missing)} missing: "
            f"{shorten(missing)}; predict these tiles"
        )
