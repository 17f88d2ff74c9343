"""The second round: where the SAR models of a first one are sure, their class takes the place of the label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ensemble.average import average_with_members
from landcover.errors import InputError
from landcover.labels.label_filter import LABEL_FILTERS, FilterMaterial
from landcover.profiles.key_values import number_within
from landcover.score_files.score_file import ScoreFile
from stage1_optical_da.scored_tiles import NO_SAR_SCORES, sar_members, score_digests


@LABEL_FILTERS.register_module(name="sure_sar")
class SureSarLabels:
    """Labels of the mean of SAR models where its largest probability is high enough, the labels before elsewhere.

    Pixels without a label get one too; pixels without SAR data keep theirs.

    Args:
        material: with score files of SAR models for every tile.
        threshold: least mean probability, in [0, 1].

    Raises:
        InputError: there are no such files, they do not fit together, or the threshold is no such number.
    """

    def __init__(self, material: FilterMaterial, threshold: float = 0.9) -> None:
        if material.sar_scores is None:
            raise InputError(NO_SAR_SCORES)
        self._members = sar_members(material.sar_scores, (tile.name for tile in material.tiles))
        self._scheme = material.scheme
        self._threshold = number_within("REASSIGN_OPTIONS", "threshold", threshold, 0, 1)

    def settings(self) -> Mapping[str, object]:
        """See `LabelFilter`."""
        return {"threshold": self._threshold}

    def inputs(self) -> Mapping[str, str]:
        """See `LabelFilter`."""
        return score_digests(self._members)

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `LabelFilter`."""
        paths = [member.score_file(tile) for member in self._members]
        found = average_with_members(paths, [1.0] * len(paths), self._scheme)
        if found.labels.shape != labels.shape:
            raise InputError(f"{paths[0]}: expected scores of {labels.shape} pixels, found {found.labels.shape}")
        sure = found.confidence >= self._threshold
        for path in paths:
            no_data = ScoreFile(path).no_data()
            sure &= True if no_data is None else ~no_data
        return np.where(sure, found.labels, labels)
