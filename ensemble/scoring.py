"""Scores of label maps and of ensembles against manual labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.average import Average, average_labels
from ensemble.members import Member, class_factors, weights_of
from landcover.classes import ClassScheme
from landcover.errors import InputError, shorten
from landcover.images.label_file import read_labels
from landcover.metrics import ConfusionMatrix
from landcover.score_files.score_file import read_header

Summary = dict[str, Any]  # part of metrics.json, see `ConfusionMatrix.summary`


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
    maps = ((name, predicted[name], read_labels(predicted[name], scheme)) for name in sorted(truth))
    return _summary(maps, truth, scheme, labels)


def score_ensemble(
    members: Sequence[Member],
    truth: Mapping[str, Path],
    average: Average,
    scheme: ClassScheme,
    labels: str,
    class_weights: Mapping[str, float] | None = None,
) -> Summary:
    """As `score_labels`, of the average of `members`, without writing its label maps.

    `class_weights` are factors by class name, 1 by default, see `ensemble.weights`.
    """
    for member in members:
        _check_predicted(member.tiles(), truth, member)
    maps = _averaged(members, sorted(truth), average, scheme, class_weights or {})
    return _summary(maps, truth, scheme, labels)


def score_members(
    members: Sequence[Member], truth: Mapping[str, Path], scheme: ClassScheme, labels: str
) -> dict[str, Summary]:
    """Summary of every member alone, by name; as `score_labels`, from its score files in their own encoding."""
    return {
        member.name: score_ensemble([member], truth, _own_average(member, truth), scheme, labels) for member in members
    }


def _averaged(
    members: Sequence[Member],
    tiles: Sequence[str],
    average: Average,
    scheme: ClassScheme,
    class_weights: Mapping[str, float],
) -> Iterator[tuple[str, Path, NDArray[np.uint8]]]:
    weights, factors = weights_of(members, scheme), class_factors(class_weights, scheme)
    for tile in tiles:
        paths = [member.score_file(tile) for member in members]
        yield tile, paths[0], average_labels(paths, weights, average, scheme, factors)


def _own_average(member: Member, truth: Mapping[str, Path]) -> Average:
    _check_predicted(member.tiles(), truth, member)
    encoding = read_header(member.score_file(min(truth))).encoding
    return "logits" if encoding == "logit" else "probabilities"


def _summary(
    maps: Iterator[tuple[str, Path, NDArray[np.uint8]]], truth: Mapping[str, Path], scheme: ClassScheme, labels: str
) -> Summary:
    """Scores (tile name, file it came from, label map) triples."""
    matrix = ConfusionMatrix(scheme)
    for name, path, predicted in maps:
        expected = read_labels(truth[name], scheme)
        if expected.shape != predicted.shape:
            raise InputError(
                f"{path}: expected {expected.shape[0]}x{expected.shape[1]} pixels as {truth[name]}, "
                f"found {predicted.shape[0]}x{predicted.shape[1]}; predict this tile at its own size"
            )
        matrix.add(expected, predicted)
    return {**matrix.summary(labels), "confusion": matrix.counts.tolist(), "missed": matrix.missed.tolist()}


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
