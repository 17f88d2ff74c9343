"""The label filter `ot`: labels of which models are not sure are reassigned by optimal transport."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.members import Member
from landcover.errors import InputError
from landcover.images.raster import read_optical
from landcover.labels.label_filter import LABEL_FILTERS, FilterMaterial
from landcover.run_files.manifest import digest_all
from stage1_optical_da.label_reassignment.class_shares import shares_of_labels, shares_of_probabilities
from stage1_optical_da.label_reassignment.evidence import Evidence, evidence_of
from stage1_optical_da.label_reassignment.reassignment import reassigned, soft_assignment
from stage1_optical_da.label_reassignment.settings import ReassignmentSettings
from stage1_optical_da.label_reassignment.superpixels import superpixels
from stage1_optical_da.scored_tiles import checked_members, sar_members, score_digests

NO_SCORES = (
    "REASSIGN=ot: expected score files of teachers in RUN_DIR/scores/teachers, or of SAR models in SAR_SCORES, found "
    "none; run tools/20_write_pseudo_labels.sh first"
)


@LABEL_FILTERS.register_module(name="ot")
@dataclass(frozen=True, kw_only=True)
class TransportedLabels(ReassignmentSettings):
    """Labels with those replaced of which teachers, and SAR models if there are, are not sure or do not agree.

    Unknown pixels get a label too where one class has enough of them; pixels without data keep what they have. Nothing
    is random, and all is computed on the CPU: the same files come out whatever the machine has.

    Args:
        material: with score files of teachers or SAR models for every tile with an optical image.

    Raises:
        InputError: there are no such files, they do not fit together, or a setting makes no sense.
    """

    material: FilterMaterial

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self._teachers and not self._sar_models:
            raise InputError(NO_SCORES)

    def settings(self) -> Mapping[str, object]:
        """See `LabelFilter`. Whether soft targets are written changes no label."""
        names = (field.name for field in fields(ReassignmentSettings))
        return {name: getattr(self, name) for name in names if name != "soft"}

    def inputs(self) -> Mapping[str, str]:
        """See `LabelFilter`."""
        scores = score_digests([*self._teachers, *self._sar_models])
        images = {"images": digest_all(self._images[tile] for tile in sorted(self._images))}
        return {**scores, **(images if self.regions == "superpixels" else {})}

    def apply(self, tile: str, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """See `LabelFilter`."""
        assigned, evidence = self.assignment(tile, labels)
        return reassigned(labels, assigned, evidence, self)

    def assignment(self, tile: str, labels: NDArray[np.uint8]) -> tuple[NDArray[np.float32], Evidence]:
        """Soft assignment of a tile, float32 (C, H, W), and what it rests on; arguments as `apply`.

        Raises:
            InputError: scores of another size than the labels.
        """
        teachers, sar_models = (
            [member.score_file(tile) for member in members] for members in (self._teachers, self._sar_models)
        )
        evidence = evidence_of(teachers, sar_models, self.sar_weight, self.material.scheme)
        if evidence.no_data.shape != labels.shape:
            raise InputError(
                f"{[*teachers, *sar_models][0]}: expected scores of {labels.shape} pixels, found "
                f"{evidence.no_data.shape}; predict this tile again"
            )
        return soft_assignment(evidence, self._shares(labels, evidence), self._regions(tile), self), evidence

    def _shares(self, labels: NDArray[np.uint8], evidence: Evidence) -> NDArray[np.float64]:
        if self.shares == "scores":
            return shares_of_probabilities(evidence.probabilities, ~evidence.no_data)
        found = shares_of_labels([labels], self.material.scheme.num_classes)
        return found if found.any() else self._shares_of_all

    def _regions(self, tile: str) -> NDArray[np.int64] | int:
        return self.side if self.regions == "cells" else superpixels(read_optical(self._images[tile]).pixels, self.side)

    @cached_property
    def _images(self) -> dict[str, Path]:
        return {tile.name: tile.optical for tile in self.material.tiles if tile.optical}

    @cached_property
    def _teachers(self) -> list[Member]:
        members = [Member(name, folder) for name, folder in self.material.scores.items()]
        cure = "run tools/20_write_pseudo_labels.sh for this DFC_ROOT"
        return checked_members(members, self._images, cure) if members else []

    @cached_property
    def _sar_models(self) -> list[Member]:
        root = self.material.sar_scores
        return sar_members(root, self._images) if root else []

    @cached_property
    def _shares_of_all(self) -> NDArray[np.float64]:
        """Of all known labels of all tiles; every process that needs them reads them once."""
        before = self.material.labels
        maps = (before.read(tile) for tile in sorted(before.files)) if before else ()
        found = shares_of_labels(maps, self.material.scheme.num_classes)
        if not found.any():
            raise InputError(
                "REASSIGN_OPTIONS shares=labels: expected label files in which some pixels are known, found none; "
                "use shares=scores"
            )
        return found
