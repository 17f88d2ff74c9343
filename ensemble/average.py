"""Average of the score files of several models for one tile, and its label map.

Scores are linear 8-bit codes of log-probabilities or of probabilities, so the mean over models is, up to a factor that
does not change the order of the classes, the integer sum of their codes: exact, whatever the order of the models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ensemble.members import Member, check_classes
from ensemble.tile_sums import best_class, code_tables, common_log_range, open_sums
from ensemble.weights import Average, Weights
from landcover.classes import ClassScheme
from landcover.score_files.score_file import ScoreHeader, read_header


@dataclass(frozen=True)
class AveragedTile:
    """The average of one tile, and what its models say alone.

    Args:
        labels: uint8 (H, W), values 1..C, class of the highest mean probability; ties go to the lowest class.
        confidence: float32 (H, W), that mean probability, 0..1.
        members: uint8 (M, H, W), the class that each model alone finds most probable, in the order of the models.
    """

    labels: NDArray[np.uint8]
    confidence: NDArray[np.float32]
    members: NDArray[np.uint8]


def average_tile(
    paths: Sequence[Path], weights: Weights, average: Average, class_weights: Sequence[float] | None = None
) -> NDArray[Any]:
    """Weighted sums of the codes of one tile, which rank classes as the weighted mean over the models does.

    Args:
        paths: score files of one tile, one per model, of the same size and classes.
        weights: of each model, or of each model and class, > 0; see `ensemble.weights`.
        average: `logits` for the mean of log-probabilities, `probabilities` for the mean of probabilities. Files of
            the other encoding, or of another logarithmic range, are converted first, by a table of 256 codes.
        class_weights: factor of every class, > 0; see `ensemble.weights`.

    Returns:
        (C, H, W) unsigned integers, of the smallest type that holds every possible sum.
    """
    with open_sums(paths, average, weights, class_weights) as tiles:
        header = tiles.header
        sums = np.empty((header.classes, header.height, header.width), dtype=tiles.weights.dtype)
        for place in tiles.places():
            sums[:, *place.area] = tiles.sums(place)
        return sums


def average_labels(
    paths: Sequence[Path],
    weights: Weights,
    average: Average,
    scheme: ClassScheme,
    class_weights: Sequence[float] | None = None,
) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 1..C, of the average (`average_tile`); ties go to the lowest class.

    Memory beyond the result is that of one 256x256 tile of the sums, however large the image and however many models
    there are. Classes that cannot win anywhere in a tile are not decoded, see `TileSums.labels`.

    Raises:
        InputError: the files differ in size or classes, or their classes are not those of `scheme`.
    """
    with open_sums(paths, average, weights, class_weights) as tiles:
        check_classes(paths[0], tiles.header, scheme)
        labels = np.empty((tiles.header.height, tiles.header.width), dtype=np.uint8)
        for place in tiles.places():
            labels[place.area] = tiles.labels(place)
        return labels


def average_with_members(paths: Sequence[Path], weights: Weights, scheme: ClassScheme) -> AveragedTile:
    """Mean probabilities of one tile as labels and confidence, with the labels of every model alone.

    `labels` are those of `average_labels` for `probabilities`. Where all models find one class most probable, it is
    the class of the average too. Every file is decoded once.

    Raises:
        InputError: as `average_labels`.
    """
    with open_sums(paths, "probabilities", weights) as tiles:
        check_classes(paths[0], tiles.header, scheme)
        size = tiles.header.height, tiles.header.width
        labels, confidence = np.empty(size, np.uint8), np.empty(size, np.float32)
        members = np.empty((len(paths), *size), np.uint8)
        largest_sum = np.float32(255 * tiles.weights.total)
        for place in tiles.places():
            sums = tiles.sums(place, partial(_keep_labels, members[:, *place.area]))
            labels[place.area], best = best_class(list(sums), _numbers(sums))
            np.divide(best, largest_sum, out=confidence[place.area], casting="unsafe")
    return AveragedTile(labels, confidence, members)


def labels_from_sums(sums: NDArray[Any], scheme: ClassScheme) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 1..C, of the largest of (C, H, W) sums; ties go to the lowest class."""
    if sums.ndim != 3 or sums.shape[0] != scheme.num_classes:
        raise ValueError(f"expected sums of shape ({scheme.num_classes}, H, W), found {sums.shape}")
    return best_class(list(sums), _numbers(sums))[0]


def conversion_notes(members: Sequence[Member], tile: str, average: Average) -> list[str]:
    """One line per member whose codes are converted before they are averaged, and to what; empty if none is.

    Args:
        members: of the ensemble, checked by `check_members`.
        tile: name of any tile.
        average: what is averaged.
    """
    headers = [read_header(member.score_file(tile)) for member in members]
    tables = code_tables(headers, average)
    wanted = (
        "probability codes" if average == "probabilities" else f"logit codes of range {common_log_range(headers):g}"
    )
    return [
        f"{member.name}: {_told(header)} converted to {wanted}"
        for member, header, table in zip(members, headers, tables, strict=True)
        if table is not None
    ]


def _told(header: ScoreHeader) -> str:
    return "probability codes" if header.encoding == "probability" else f"logit codes of range {header.log_range:g}"


def _keep_labels(members: NDArray[np.uint8], index: int, codes: NDArray[np.uint8]) -> None:
    """Writes the class that one model alone finds most probable into its row of `members` (M, rows, columns)."""
    members[index] = best_class(list(codes), _numbers(codes))[0]


def _numbers(planes: NDArray[Any]) -> range:
    """Labels of the planes 0..C - 1."""
    return range(1, len(planes) + 1)
