"""Average of the score files of several models for one tile, and its label map.

Scores are linear 8-bit codes of log-probabilities or of probabilities, so the mean over models is, up to a factor that
does not change the order of the classes, the integer sum of their codes: exact, whatever the order of the models.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from ensemble.members import check_classes, check_headers
from landcover.classes import ClassScheme
from landcover.errors import InputError
from landcover.score_file import (
    DEFAULT_LOG_RANGE,
    ScoreHeader,
    logit_to_probability_table,
    probability_to_logit_table,
    read_score_window,
)

Average = Literal["logits", "probabilities"]

LARGEST_WEIGHT = 2**16
"""Largest integer weight: 256 members of it, times the code 255, still fit in 32 bits."""

BLOCK_ROWS = 256
"""Rows decoded at a time: the tile height of score files, so that each tile is decoded once."""

CACHE_ROWS = 64
"""Rows compared at a time: the planes of a few rows stay in the cache while all classes pass over them."""


@dataclass(frozen=True)
class _Source:
    path: Path
    table: NDArray[np.uint8] | None  # 256 entries: code of the file -> code of the average; None if they are the same
    weight: int

    def read(self, top: int, rows: int, width: int) -> NDArray[np.uint8]:
        codes = read_score_window(self.path, top, 0, rows, width)
        # OpenCV's look-up takes a third of the time of numpy's.
        return codes if self.table is None else cv2.LUT(codes.reshape(-1, width), self.table).reshape(codes.shape)


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


def average_tile(paths: Sequence[Path], weights: Sequence[float], average: Average) -> NDArray[Any]:
    """Weighted sums of the codes of one tile, which rank classes as the weighted mean over the models does.

    Args:
        paths: score files of one tile, one per model, of the same size and classes.
        weights: weight of each model, > 0; see `integer_weights`.
        average: `logits` for the mean of log-probabilities, `probabilities` for the mean of probabilities. Files of
            the other encoding, or of another logarithmic range, are converted first, by a table of 256 codes.

    Returns:
        (C, H, W) unsigned integers, of the smallest type that holds every possible sum.
    """
    blocks = _blocks(paths, check_headers(paths), weights, average)
    return np.concatenate([sums for _, sums in blocks], axis=1)


def average_labels(
    paths: Sequence[Path], weights: Sequence[float], average: Average, scheme: ClassScheme
) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 1..C, of the average (`average_tile`); ties go to the lowest class.

    Memory beyond the result is one block of rows of two files, however many models there are.

    Raises:
        InputError: the files differ in size or classes, or their classes are not those of `scheme`.
    """
    headers = check_headers(paths)
    check_classes(paths[0], headers[0], scheme)
    labels = np.empty((headers[0].height, headers[0].width), dtype=np.uint8)
    for top, sums in _blocks(paths, headers, weights, average):
        labels[top : top + sums.shape[1]] = labels_from_sums(sums, scheme)
    return labels


def average_with_members(paths: Sequence[Path], weights: Sequence[float], scheme: ClassScheme) -> AveragedTile:
    """Mean probabilities of one tile as labels and confidence, with the labels of every model alone.

    `labels` are those of `average_labels` for `probabilities`. Where all models find one class most probable, it is
    the class of the average too. Every file is decoded once.

    Raises:
        InputError: as `average_labels`.
    """
    headers = check_headers(paths)
    check_classes(paths[0], headers[0], scheme)
    size = (headers[0].height, headers[0].width)
    tile = AveragedTile(np.empty(size, np.uint8), np.empty(size, np.float32), np.empty((len(paths), *size), np.uint8))
    largest_sum = 255 * sum(integer_weights(weights))
    for top, sums in _blocks(paths, headers, weights, "probabilities", tile.members):
        rows = slice(top, top + sums.shape[1])
        tile.labels[rows], best = _best_class(sums)
        np.divide(best, np.float32(largest_sum), out=tile.confidence[rows], casting="unsafe")
    return tile


def labels_from_sums(sums: NDArray[Any], scheme: ClassScheme) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 1..C, of the largest of (C, H, W) sums; ties go to the lowest class."""
    if sums.ndim != 3 or sums.shape[0] != scheme.num_classes:
        raise ValueError(f"expected sums of shape ({scheme.num_classes}, H, W), found {sums.shape}")
    return _best_class(sums)[0]


def integer_weights(weights: Sequence[float]) -> list[int]:
    """Integers 1..`LARGEST_WEIGHT` in the ratio of `weights`, so that the average is computed exactly.

    Weights as people write them (1, 2, 0.25, 0.1) keep their ratio exactly. Where that would take integers above
    `LARGEST_WEIGHT`, the largest weight becomes that number and the others are rounded, an error of at most 1/131072
    of the largest weight.

    Raises:
        InputError: a weight is not finite and > 0, or 131072 times smaller than the largest or more.
    """
    if not all(math.isfinite(weight) and weight > 0 for weight in weights):
        raise InputError(f"expected member weights > 0, found {', '.join(f'{weight:g}' for weight in weights)}")
    # The shortest decimal that stands for the float is the number that was meant: 0.1 is 1/10.
    exact = [Fraction(repr(float(weight))) for weight in weights]
    common = math.lcm(*(weight.denominator for weight in exact))
    integers = [int(weight * common) for weight in exact]
    divisor = math.gcd(*integers)
    if max(integers) // divisor > LARGEST_WEIGHT:
        integers = [round(weight / max(exact) * LARGEST_WEIGHT) for weight in exact]
        divisor = math.gcd(*integers)
    if min(integers) == 0:
        raise InputError(
            f"expected member weights that differ less than {2 * LARGEST_WEIGHT}-fold, "
            f"found {min(weights):g} and {max(weights):g}; leave the smallest out"
        )
    return [weight // divisor for weight in integers]


def _blocks(
    paths: Sequence[Path],
    headers: Sequence[ScoreHeader],
    weights: Sequence[float],
    average: Average,
    members: NDArray[np.uint8] | None = None,
) -> Iterator[tuple[int, NDArray[Any]]]:
    """Yields (first row, (C, rows, W) sums) of block after block of rows; files are read one after the other.

    The labels of every file alone go to `members` (M, H, W).
    """
    tables = _tables(headers, average)
    scaled = integer_weights(weights)
    sources = [_Source(*parts) for parts in zip(paths, tables, scaled, strict=True)]
    dtype = np.min_scalar_type(255 * sum(scaled))
    height, width = headers[0].height, headers[0].width
    for top in range(0, height, BLOCK_ROWS):
        rows = min(BLOCK_ROWS, height - top)
        labels = None if members is None else members[:, top : top + rows]
        yield top, _sum_block(sources, top, rows, width, dtype, labels)


def _sum_block(
    sources: Sequence[_Source],
    top: int,
    rows: int,
    width: int,
    dtype: np.dtype[Any],
    members: NDArray[np.uint8] | None,
) -> NDArray[Any]:
    sums: NDArray[Any] | None = None
    for index, source in enumerate(sources):
        codes = source.read(top, rows, width)
        if members is not None:
            members[index] = _best_class(codes)[0]
        term = codes if source.weight == 1 else np.multiply(codes, source.weight, dtype=dtype)
        if sums is None:
            sums = term.astype(dtype, copy=False)
        else:
            np.add(sums, term, out=sums)
    assert sums is not None  # an ensemble has a member
    return sums


def _best_class(planes: NDArray[Any]) -> tuple[NDArray[np.uint8], NDArray[Any]]:
    """Label 1..C of the largest of (C, H, W) planes, ties to the lowest, and that largest value, both (H, W)."""
    labels, largest = np.empty(planes.shape[1:], dtype=np.uint8), np.empty_like(planes[0])
    # One running maximum over contiguous planes; argmax over the first axis would stride through all of them per pixel.
    for top in range(0, planes.shape[1], CACHE_ROWS):
        rows = planes[:, top : top + CACHE_ROWS]
        part, best = labels[top : top + CACHE_ROWS], largest[top : top + CACHE_ROWS]
        part[:], best[:] = 1, rows[0]
        for label, plane in enumerate(rows[1:], start=2):
            # Labels grow, so the last class that was strictly larger is the largest product.
            np.maximum(part, (plane > best) * np.uint8(label), out=part)
            np.maximum(best, plane, out=best)
    return labels, largest


def _tables(headers: Sequence[ScoreHeader], average: Average) -> list[NDArray[np.uint8] | None]:
    """For each file the table from its codes to codes of the average, None where they are the same."""
    if average == "probabilities":
        return [
            logit_to_probability_table(header.log_range) if header.encoding == "logit" else None for header in headers
        ]
    # The widest range of the files keeps what the widest of them tells apart.
    log_range = max((header.log_range for header in headers if header.encoding == "logit"), default=DEFAULT_LOG_RANGE)
    return [_to_logit_table(header, log_range) for header in headers]


def _to_logit_table(header: ScoreHeader, log_range: float) -> NDArray[np.uint8] | None:
    if header.encoding == "probability":
        return probability_to_logit_table(log_range)
    if header.log_range == log_range:
        return None
    log_probabilities = header.log_range * (np.arange(256) / 255 - 1)
    return np.rint(255 * (1 + log_probabilities / log_range)).astype(np.uint8)
