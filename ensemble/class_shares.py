"""Class shares of a submission beside those of the labels that its models learned from: has a class been lost?"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.classes import ClassScheme
from landcover.classes.counts import label_counts
from landcover.errors import InputError
from landcover.images.label_file import read_labels
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem
from landcover.labels.label_set import QUALITY_NAME
from landcover.processes.progress import track

SMALLEST_RATIO = 0.1
"""A class with a smaller part of its share in the training labels is reported."""


@dataclass(frozen=True)
class ClassShares:
    """What a set of label maps consists of, 0..1.

    Args:
        void: share of all pixels that have no class.
        classes: float64 (C,), share of every class of the pixels that have one; zeros if none has.
    """

    void: float
    classes: NDArray[np.float64]


def shares_of(counts: NDArray[np.int64]) -> ClassShares:
    """Shares of pixel counts per label, int64 (C + 1,), void first."""
    labelled = int(counts[1:].sum())
    return ClassShares(float(counts[0] / max(int(counts.sum()), 1)), counts[1:] / max(labelled, 1))


def folder_shares(folder: Path, scheme: ClassScheme) -> ClassShares:
    """Shares of a folder of label files, `<tile>.tif` or .png: from its `quality.json`, or counted without one.

    Raises:
        InputError: the folder has no label file, or a file is damaged or of another scheme.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of label files, found none; correct the path")
    if (folder / QUALITY_NAME).is_file():
        return _told_shares(folder / QUALITY_NAME, scheme)
    files = list(files_by_stem(folder, LABEL_SUFFIXES).values())
    if not files:
        raise InputError(f"{folder}: expected label files <tile>.tif or .png, found none; correct the path")
    counts = (label_counts(read_labels(path, scheme), scheme) for path in track(files, "class shares", len(files)))
    return shares_of(np.sum(list(counts), axis=0))


def share_lines(submitted: ClassShares, training: ClassShares | None, scheme: ClassScheme) -> list[str]:
    """Table of both in percent, then a warning for every class that the submission has all but lost.

    Args:
        submitted: shares of the submission.
        training: shares of the training labels, None if they are not known.
        scheme: names of the classes.
    """
    columns = [submitted] if training is None else [submitted, training]
    heads = ("submission", "training labels")[: len(columns)]
    rows = [("no data", [column.void for column in columns])]
    rows += [(name, [column.classes[k] for column in columns]) for k, name in enumerate(scheme.classes)]
    lines = [_line("class shares", heads), *(_line(f"  {name}", map("{:.2%}".format, row)) for name, row in rows)]
    return lines if training is None else lines + _warnings(submitted, training, scheme)


def _warnings(submitted: ClassShares, training: ClassShares, scheme: ClassScheme) -> list[str]:
    pairs = zip(scheme.classes, submitted.classes, training.classes, strict=True)
    return [
        f"warning: {name} is {found:.2%} of the submission, but {learned:.2%} of the training labels: "
        f"{'it has vanished' if found == 0 else 'less than a tenth'}; look at the maps of each model"
        for name, found, learned in pairs
        if found < SMALLEST_RATIO * learned
    ]


def _told_shares(path: Path, scheme: ClassScheme) -> ClassShares:
    """Shares of a quality file, whose classes are shares of all pixels."""
    try:
        quality = json.loads(path.read_text(encoding="utf-8"))
        void = float(quality["unknown"])
        classes = np.array([float(quality["shares"][name]) for name in scheme.classes])
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected the quality of label files, found {type(error).__name__} {error}; "
            "delete it and run tools/20_write_pseudo_labels.sh again"
        ) from error
    return ClassShares(void, classes / max(float(classes.sum()), np.finfo(np.float64).tiny))


def _line(name: str, cells: Iterable[str]) -> str:
    first, *others = cells
    return f"{name:<15}{first:>10}" + "".join(f"{cell:>18}" for cell in others)
