"""Pixels of an average of teachers that become unknown, because teachers or further label sets do not agree there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ensemble.average import AveragedTile
from landcover.classes import VOID
from landcover.labels.label_set import LabelSet


@dataclass(frozen=True)
class Dropping:
    """Which pixels of an average of teachers become 0 (unknown).

    Args:
        teachers_differ: those on which the teachers alone do not all find the same class most probable.
        agree_with: those that one of these label sets gives another class; see `keep_agreed`.
    """

    teachers_differ: bool = False
    agree_with: tuple[LabelSet, ...] = ()

    def __bool__(self) -> bool:
        return self.teachers_differ or bool(self.agree_with)

    def names(self) -> list[str]:
        """Names of the label sets."""
        return [labels.name for labels in self.agree_with]

    def apply(self, averaged: AveragedTile, tile: str) -> NDArray[np.uint8]:
        """Label map (H, W), uint8, 0 = dropped, of the tile of this name."""
        teachers = averaged.members if self.teachers_differ else ()
        return keep_agreed(averaged.labels, (*teachers, *(labels.read(tile) for labels in self.agree_with)))


def keep_agreed(labels: NDArray[np.uint8], opinions: Iterable[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """`labels` with 0 (unknown) where any opinion is another class.

    An unknown pixel of an opinion is no opinion: it contradicts nothing, so the label stays.

    Args:
        labels: uint8 (H, W), 0 = unknown.
        opinions: label maps of the same kind and shape.
    """
    differs = np.zeros(labels.shape, dtype=bool)
    for opinion in opinions:
        differs |= (opinion != labels) & (opinion != VOID)
    return np.where(differs, np.uint8(VOID), labels)
