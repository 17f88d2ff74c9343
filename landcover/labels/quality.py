"""What a set of label files is worth: class shares, confidence, agreement with others, accuracy on manual labels."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.labels.label_set import (
    QUALITY_NAME,
    LabelSet,
    check_grids,
    check_names,
    check_tiles,
    manual_labels,
    published_labels,
)
from landcover.metrics import ConfusionMatrix
from landcover.processes.group import Processes
from landcover.processes.shared_work import results_of_all

Quality = dict[str, Any]  # JSON values


@dataclass(frozen=True)
class References:
    """What a label set is compared with.

    Args:
        against: further label sets with all its tiles.
        truth: manual labels of some or all of its tiles, None if there are none.
    """

    against: tuple[LabelSet, ...] = ()
    truth: LabelSet | None = None

    @staticmethod
    def of_tiles(tiles: Sequence[SarTile], truth_root: Path, scheme: ClassScheme = OPEN_EARTH_MAP) -> References:
        """The published and the manual labels of training tiles, where there are any.

        Args:
            tiles: training tiles.
            truth_root: folder with `train/labels` of manual labels.
            scheme: classes of both.
        """
        published = published_labels(tiles, scheme)
        return References((published,) if published else (), manual_labels(truth_root, tiles, scheme))

    def check(self, images: Mapping[str, Path]) -> None:
        """Raises `InputError` unless these sets have the tiles of `images` (by tile name), on their grids."""
        check_names(self.against)
        for labels in self.against:
            check_tiles(labels, images)
        for labels in (*self.against, *([self.truth] if self.truth else [])):
            check_grids(labels, images)

    def digests(self, tiles: Iterable[str]) -> dict[str, str]:
        """SHA-256 over the label files of `tiles`, by name of the set."""
        names = list(tiles)
        sets = (*self.against, *([self.truth] if self.truth else []))
        return {labels.name: labels.only(names).digest() for labels in sets}


class LabelCounts:
    """Counts of one label set, tile after tile; its quality follows from the counts.

    Attributes:
        scheme: the classes 1..C of the label maps.
        pixels: int64 (C + 1,), pixels with each label, unknown first.
        confidence: float64 (C + 1,), sum of the confidence of those pixels; None if nothing says how sure a label is.
        against: confusion with further sets, by name; they stand in the place of the truth.
        truth: confusion with manual labels.
    """

    def __init__(self, scheme: ClassScheme = OPEN_EARTH_MAP) -> None:
        self.scheme = scheme
        self.pixels: NDArray[np.int64] = np.zeros(scheme.num_classes + 1, np.int64)
        self.confidence: NDArray[np.float64] | None = None
        self.against: dict[str, ConfusionMatrix] = {}
        self.truth = ConfusionMatrix(scheme)

    def add(
        self,
        labels: NDArray[np.uint8],
        against: Mapping[str, NDArray[np.uint8]],
        truth: NDArray[np.uint8] | None = None,
        confidence: NDArray[np.float32] | None = None,
    ) -> None:
        """Counts one tile.

        Args:
            labels: uint8 (H, W), 0 = unknown.
            against: label map of the same shape of every further set, by name.
            truth: manual labels of the same shape, where there are any.
            confidence: float32 (H, W), 0..1.
        """
        size = self.scheme.num_classes + 1
        self.pixels += np.bincount(labels.ravel(), minlength=size)
        if confidence is not None:
            self._add_confidence(np.bincount(labels.ravel(), confidence.ravel(), minlength=size).astype(np.float64))
        for name, other in against.items():
            self.against.setdefault(name, ConfusionMatrix(self.scheme)).add(other, labels)
        if truth is not None:
            self.truth.add(truth, labels)

    def merge(self, other: LabelCounts) -> None:
        """Adds the counts of other tiles."""
        self.pixels += other.pixels
        if other.confidence is not None:
            self._add_confidence(other.confidence)
        for name, matrix in other.against.items():
            self.against.setdefault(name, ConfusionMatrix(self.scheme)).merge(matrix)
        self.truth.merge(other.truth)

    def quality(self, truth: str = "manual labels") -> Quality:
        """JSON content; shares, scores and confidences are 0..1, None where no pixel counts.

        Args:
            truth: what the manual labels are, in a few words.

        Returns:
            `pixels`; `unknown`, share of them; `shares` of all pixels per class; `confidence` (None without): `mean`
            over all pixels, `unknown` and `classes` over the pixels of that label; `agreement` per further set, see
            `agreement`; `truth` (None without), see `accuracy`.
        """
        total = int(self.pixels.sum())
        return {
            "pixels": total,
            "unknown": _ratio(self.pixels[0], total),
            "shares": self._by_class(_ratio(count, total) for count in self.pixels[1:]),
            "confidence": self._mean_confidence(),
            "agreement": {name: agreement(matrix, total) for name, matrix in self.against.items()},
            "truth": {"labels": truth, **accuracy(self.truth)} if self.truth.pixels else None,
        }

    def _add_confidence(self, sums: NDArray[np.float64]) -> None:
        self.confidence = sums if self.confidence is None else self.confidence + sums

    def _mean_confidence(self) -> Quality | None:
        if self.confidence is None:
            return None
        means = [_ratio(value, count) for value, count in zip(self.confidence, self.pixels, strict=True)]
        mean = _ratio(self.confidence.sum(), self.pixels.sum())
        return {"mean": mean, "unknown": means[0], "classes": self._by_class(means[1:])}

    def _by_class(self, values: Iterable[float | None]) -> dict[str, float | None]:
        return dict(zip(self.scheme.classes, values, strict=True))


def agreement(matrix: ConfusionMatrix, pixels: int) -> Quality:
    """How far two label sets agree where both are known.

    Returns:
        `known_in_both`, share of all `pixels`; and of these pixels the share that is `equal`, `miou`, and `iou` per
        class, which do not depend on which of the sets comes first.
    """
    both = _kept(matrix)
    return {"known_in_both": _ratio(both.pixels, pixels), **_scores(both, "equal")}


def accuracy(matrix: ConfusionMatrix) -> Quality:
    """Scores of a label set, and how many of the pixels with manual labels it covers.

    Returns:
        `pixels` with manual labels; `kept`, share of them that the set labels, and `kept_classes`, per manual class;
        `right_classes`, share of the pixels of every manual class that the set labels right; `on_kept`, scores on the
        kept pixels alone; `on_all`, scores with an unknown pixel as a miss of its class.
    """
    labelled, kept = matrix.counts.sum(axis=1) + matrix.missed, matrix.counts.sum(axis=1)
    names, right = matrix.scheme.classes, np.diagonal(matrix.counts)
    return {
        "pixels": matrix.pixels,
        "kept": _ratio(kept.sum(), matrix.pixels),
        "kept_classes": {name: _ratio(*counts) for name, *counts in zip(names, kept, labelled, strict=True)},
        "right_classes": {name: _ratio(*counts) for name, *counts in zip(names, right, labelled, strict=True)},
        "on_kept": _scores(_kept(matrix), "accuracy"),
        "on_all": _scores(matrix, "accuracy"),
    }


def folder_quality(labels: LabelSet, references: References, processes: Processes) -> Quality:
    """Content of a quality file for any set of label files: `LabelCounts.quality`, the `name` and number of `tiles`.

    All of `processes` share the tiles, and all get the whole.

    Raises:
        InputError: a set lacks a tile of `labels` or has it in another size, or no tile of the truth is among them.
    """
    references.check(labels.files)
    truth = references.truth
    if truth and not truth.only(labels.files).files:
        raise InputError(f"{truth.folder}: expected labels of some of the tiles of {labels.name}, found none of them")
    total, count = LabelCounts(labels.scheme), partial(_count_files, labels, references)
    for counts in results_of_all(count, list(labels.files), "label quality", processes):
        total.merge(counts)
    return {"name": labels.name, "tiles": len(labels.files), **total.quality(truth.name if truth else "")}


def read_quality(folder: Path) -> Quality:
    """What a stage has written of the quality of its label files.

    Raises:
        InputError: the file is damaged.
    """
    path = folder / QUALITY_NAME
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        raise InputError(f"{path}: expected JSON, found {error}; delete the file and run this stage again") from None


def _count_files(labels: LabelSet, references: References, tile: str) -> LabelCounts:
    counts = LabelCounts(labels.scheme)
    truth = references.truth
    counts.add(
        labels.read(tile),
        {other.name: other.read(tile) for other in references.against},
        truth.read(tile) if truth and tile in truth.files else None,
    )
    return counts


def _kept(matrix: ConfusionMatrix) -> ConfusionMatrix:
    """The same counts without the pixels that were predicted void."""
    kept = ConfusionMatrix(matrix.scheme)
    kept.counts += matrix.counts
    return kept


def _scores(matrix: ConfusionMatrix, accuracy_name: str) -> Quality:
    """Share of hits, mean IoU and IoU per class; None where no pixel counts."""
    iou = {
        name: None if np.isnan(value) else float(value)
        for name, value in zip(matrix.scheme.classes, matrix.iou(), strict=True)
    }
    return {
        accuracy_name: _ratio(np.trace(matrix.counts), matrix.pixels),
        "miou": matrix.mean_iou(),
        "iou": iou,
    }


def _ratio(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None
