"""Average of models that predict one image after the other, without score files."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.average import labels_from_sums
from ensemble.weights import Average, IntegerWeights
from landcover.classes import ClassScheme
from landcover.score_files.score_file import DEFAULT_LOG_RANGE, Encoding, encode


class ScoreSum:
    """Running weighted sum of the scores of one image.

    What is added is what a score file of the model would hold, so the labels are, bit for bit, those of
    `average_labels` of such files, whatever the order of the models. Memory is that of the sum, 2 bytes per class and
    pixel for up to 257 models of weight 1, and of the codes of one model.

    Args:
        weights: of the models, from `tile_weights` for the same `average` and `log_range`.
        height: H in pixels.
        width: W in pixels.
        average: what is summed.
        log_range: R of the logit codes.
    """

    def __init__(
        self,
        weights: IntegerWeights,
        height: int,
        width: int,
        average: Average = "logits",
        log_range: float = DEFAULT_LOG_RANGE,
    ) -> None:
        self._weights, self._average, self._log_range = weights, average, log_range
        self._sums: NDArray[Any] = np.empty((weights.factors.shape[1], height, width), dtype=weights.dtype)
        self._sums[:] = weights.offsets.astype(weights.dtype)[:, None, None]
        self._missing = set(range(len(weights.factors)))

    def add(self, member: int, probabilities: NDArray[np.float32]) -> None:
        """Adds the class probabilities (C, H, W), float32, 0..1, of one model; each model is added once.

        Args:
            member: number of the model among the weights.
            probabilities: as `landcover.score_files.score_file.encode` takes them.

        Raises:
            ValueError: another shape, or a model that was added before or has no weight.
        """
        if probabilities.shape != self._sums.shape:
            raise ValueError(f"expected probabilities of shape {self._sums.shape}, got {probabilities.shape}")
        if member not in self._missing:
            raise ValueError(f"expected one of the models {sorted(self._missing)} that are missing, got {member}")
        encoding: Encoding = "logit" if self._average == "logits" else "probability"
        # Plane by plane: the codes and their products stay small.
        for plane, sums, factor in zip(probabilities, self._sums, self._weights.factors[member], strict=True):
            codes = encode(plane, encoding, self._log_range)
            np.add(sums, codes if factor == 1 else codes * sums.dtype.type(factor), out=sums)
        self._missing.remove(member)

    def labels(self, scheme: ClassScheme) -> NDArray[np.uint8]:
        """Label map (H, W), uint8, values 1..C, ties to the lowest class; ValueError if a model has not been added."""
        if self._missing:
            raise ValueError(f"expected scores of every model, the models {sorted(self._missing)} are missing")
        return labels_from_sums(self._sums, scheme)
