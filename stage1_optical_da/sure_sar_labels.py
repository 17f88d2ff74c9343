"""The second round: where the SAR models of a first one are sure, their class takes the place of the label."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ensemble.average import average_with_members
from ensemble.members import check_members, find_members
from landcover.errors import InputError
from landcover.labels.label_filter import LABEL_FILTERS, FilterMaterial
from landcover.run_files.manifest import FINISHED, digest, read_manifest
from landcover.score_files.score_file import ScoreFile


@LABEL_FILTERS.register_module(name="sure_sar")
class SureSarLabels:
    """Labels of the mean of SAR models where its largest probability is high enough, the labels before elsewhere.

    Pixels without a label get one too; pixels without SAR data keep theirs.

    Args:
        material: with score files of SAR models for every tile.
        threshold: least mean probability, in (0, 1].

    Raises:
        InputError: there are no such files, or they do not fit together.
    """

    def __init__(self, material: FilterMaterial, threshold: float = 0.9) -> None:
        if material.sar_scores is None:
            raise InputError(
                "SAR_SCORES: expected a folder with a folder of score files of the training tiles per SAR model, found "
                "none; run 'python -m stage2_sar_seg.predict_sar MODEL --splits train' and name RUN_DIR/scores/train"
            )
        self._members = find_members(material.sar_scores)
        for member in self._members:
            read_manifest(member.folder / FINISHED)
        missing = sorted({tile.name for tile in material.tiles} - set(check_members(self._members)))
        if missing:
            raise InputError(
                f"{self._members[0].score_file(missing[0])}: expected scores of every training tile, found none; "
                "predict the train split of this DFC_ROOT"
            )
        self._scheme, self._threshold = material.scheme, threshold

    def settings(self) -> Mapping[str, object]:
        """See `LabelFilter`."""
        return {"threshold": self._threshold}

    def inputs(self) -> Mapping[str, str]:
        """See `LabelFilter`."""
        return {f"scores of {member.name}": digest(member.folder / FINISHED) for member in self._members}

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
