"""Confusion matrix of label maps, and the scores that `metrics.json` carries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID, ClassScheme
from landcover.classes.counts import byte_counts
from landcover.errors import InputError


class ConfusionMatrix:
    """Counts (truth, prediction) pairs of label maps; scores follow from the counts.

    Pixels whose truth is void are left out. A void prediction on a labelled pixel is a miss of that class: it adds to
    no predicted class, but to the union. A class absent from both maps has no score and is left out of the means.

    Attributes:
        scheme: the classes 1..C of the label maps.
        counts: int64 (C, C), pixels with [truth - 1, predicted - 1].
        missed: int64 (C,), labelled pixels per class that were predicted void.
    """

    def __init__(self, scheme: ClassScheme) -> None:
        self.scheme = scheme
        self.counts: NDArray[np.int64] = np.zeros((scheme.num_classes, scheme.num_classes), dtype=np.int64)
        self.missed: NDArray[np.int64] = np.zeros(scheme.num_classes, dtype=np.int64)

    def add(self, truth: NDArray[np.uint8], predicted: NDArray[np.uint8]) -> None:
        """Counts one pair of label maps.

        Args:
            truth: uint8 labels 0..C of any shape.
            predicted: uint8 labels 0..C of the same shape.

        Raises:
            ValueError: the shapes differ or a value exceeds C.
        """
        side = self.scheme.num_classes + 1
        if truth.shape != predicted.shape:
            raise ValueError(f"truth has shape {truth.shape}, prediction {predicted.shape}; they must be equal")
        largest = max(int(truth.max(initial=VOID)), int(predicted.max(initial=VOID)))
        if largest >= side:
            raise ValueError(f"expected labels 0..{side - 1} (scheme {self.scheme.name}), found {largest}")
        if side**2 <= 256:
            counts = byte_counts(truth * np.uint8(side) + predicted)[: side**2]
        else:
            pairs = truth.astype(np.uint16) * np.uint16(side) + predicted
            counts = np.bincount(pairs.ravel(), minlength=side**2)
        table = counts.reshape(side, side)
        self.counts += table[1:, 1:]
        self.missed += table[1:, VOID]

    def merge(self, other: ConfusionMatrix) -> None:
        """Adds the counts of `other`, which has the same scheme (another process, another part of the tiles)."""
        if other.scheme != self.scheme:
            raise ValueError(f"cannot merge counts of scheme {other.scheme.name} into {self.scheme.name}")
        self.counts += other.counts
        self.missed += other.missed

    @property
    def pixels(self) -> int:
        """Number of pixels that count: those with a label in the truth."""
        return int(self.counts.sum() + self.missed.sum())

    def iou(self) -> NDArray[np.float64]:
        """Intersection over union per class: float64 (C,), nan for a class absent from both maps."""
        hits, either = self._hits_and_totals()
        return _divide(hits, either - hits)

    def f1(self) -> NDArray[np.float64]:
        """F1 = 2 TP / (2 TP + FP + FN) per class: float64 (C,), nan for a class absent from both maps."""
        hits, either = self._hits_and_totals()
        return _divide(2 * hits, either)

    def mean_iou(self) -> float | None:
        """Mean over the classes that occur and are to be scored, 0..1; None if no class is both."""
        iou = self.iou()[self.scheme.scored]
        return None if np.isnan(iou).all() else float(np.nanmean(iou))

    def summary(self, labels: str) -> dict[str, object]:
        """Scores as they stand in `metrics.json`.

        Args:
            labels: what the predictions were scored against, in a few words.

        Returns:
            `miou` (0..1, mean over the classes that occur and are to be scored), `iou` and `f1` per class name (None if
            absent), `absent` class names, `labels`, `pixels` and `accuracy` (0..1).

        Raises:
            InputError: no pixel with a label was counted.
        """
        if self.pixels == 0:
            raise InputError(
                f"{labels}: expected labelled pixels to score against, found only void (0); check the files"
            )
        iou = self.iou()
        miou = self.mean_iou()
        if miou is None:
            names = ", ".join(self.scheme.unscored)
            raise InputError(f"{labels}: expected pixels of classes to score, found only {names}; check CLASSES")
        return {
            "miou": miou,
            "iou": self._by_name(iou),
            "absent": [name for name, score in zip(self.scheme.classes, iou, strict=True) if np.isnan(score)],
            "labels": labels,
            "pixels": self.pixels,
            "f1": self._by_name(self.f1()),
            "accuracy": float(np.trace(self.counts) / self.pixels),
        }

    def _hits_and_totals(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """True positives, and pixels of the truth plus pixels of the prediction, per class."""
        return np.diagonal(self.counts), self.counts.sum(axis=1) + self.missed + self.counts.sum(axis=0)

    def _by_name(self, scores: NDArray[np.float64]) -> dict[str, float | None]:
        return {
            name: None if np.isnan(score) else float(score)
            for name, score in zip(self.scheme.classes, scores, strict=True)
        }


def _divide(numerator: NDArray[np.int64], denominator: NDArray[np.int64]) -> NDArray[np.float64]:
    """Quotient as float64, nan where the denominator is 0."""
    quotient = np.full(numerator.shape, np.nan)
    return np.divide(numerator, denominator, out=quotient, where=denominator > 0)
