"""What the models say of a tile: mean probabilities of teachers and SAR models, and where all of them agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.members import check_classes, check_headers
from ensemble.tile_sums import best_class, open_sums
from landcover.classes import VOID, ClassScheme
from landcover.score_files.score_file import ScoreFile


@dataclass(frozen=True)
class Evidence:
    """Of one tile.

    Args:
        probabilities: float32 (C, H, W), 0..1, of all models together.
        unanimous: uint8 (H, W), the class that all find most probable, 0 where they differ.
        no_data: bool (H, W), where some image that a model saw has none.
    """

    probabilities: NDArray[np.float32]
    unanimous: NDArray[np.uint8]
    no_data: NDArray[np.bool_]


def evidence_of(
    teachers: Sequence[Path], sar_models: Sequence[Path], sar_weight: float, scheme: ClassScheme
) -> Evidence:
    """Mean probabilities of the teachers, and with weight those of the SAR models where SAR has data.

    SAR models count as one more voice, their mean, and only where they see something.

    Args:
        teachers: score files of one tile; there may be none.
        sar_models: likewise; one of the two has some.
        sar_weight: of all SAR models together where that of all teachers is 1.
        scheme: the classes.

    Raises:
        InputError: files differ in size or classes, or are damaged.
    """
    if not sar_models:
        return modality_evidence(teachers, scheme)
    sar = modality_evidence(sar_models, scheme)
    if not teachers:
        return sar
    check_headers([teachers[0], sar_models[0]])
    optical = modality_evidence(teachers, scheme)
    weight = np.where(sar.no_data, np.float32(0), np.float32(sar_weight))
    probabilities = (optical.probabilities + weight * sar.probabilities) / (1 + weight)
    voice = np.where(sar.no_data, optical.unanimous, _most_probable(sar.probabilities))
    return Evidence(probabilities, agreed([optical.unanimous, voice]), optical.no_data)


def modality_evidence(paths: Sequence[Path], scheme: ClassScheme) -> Evidence:
    """Mean probabilities of models that saw one image, memory that of the result however many there are.

    Args:
        paths: score files of one tile.
        scheme: their classes.

    Raises:
        InputError: they differ in size or classes, or are damaged.
    """
    with open_sums(paths, "probabilities", [1.0] * len(paths)) as tiles:
        header = tiles.header
        check_classes(paths[0], header, scheme)
        size = header.height, header.width
        probabilities = np.empty((header.classes, *size), np.float32)
        unanimous = np.empty(size, np.uint8)
        scale = np.float32(1 / (255 * tiles.weights.total))
        for place in tiles.places():
            voices: dict[int, NDArray[np.uint8]] = {}
            sums = tiles.sums(place, partial(_keep_class, voices))
            np.multiply(sums, scale, out=probabilities[:, *place.area], casting="unsafe")
            unanimous[place.area] = agreed([*voices.values()])
    masks = [mask for path in paths if (mask := ScoreFile(path).no_data()) is not None]
    return Evidence(probabilities, unanimous, np.logical_or.reduce([np.zeros(size, bool), *masks]))


def agreed(classes: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """The first of several label maps where all are equal, `VOID` elsewhere."""
    equal = np.logical_and.reduce([classes[0] == other for other in classes])
    return np.where(equal, classes[0], np.uint8(VOID))


def _keep_class(voices: dict[int, NDArray[np.uint8]], index: int, codes: NDArray[np.uint8]) -> None:
    voices[index] = _most_probable(codes)


def _most_probable(planes: NDArray[Any]) -> NDArray[np.uint8]:
    """Label map (H, W) of the largest of (C, H, W), ties to the lowest class."""
    return best_class(list(planes), range(1, len(planes) + 1))[0]
