"""Scores of the label PNGs of a submission, with and without the pixels that it calls no data."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ensemble.scoring import Summary, score_labels
from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.metrics import ConfusionMatrix
from landcover.report.class_columns import class_heads, class_row

NAME_WIDTH = 24
"""Characters of the first column."""


def score_submission(
    folder: Path, truth: Mapping[str, Path], labels: str, scheme: ClassScheme = OPEN_EARTH_MAP
) -> Summary:
    """Scores of `<folder>/<tile>.png` as an evaluation server counts them, and a second time under `no_data_left_out`.

    The PNGs hold 0 where the SAR image has no data. In the first scores such a pixel is a miss where it has a manual
    label; in the second, see `no_data_left_out`, it does not count.

    Args:
        folder: label PNGs of all tiles of `truth`.
        truth: manual label file of each tile.
        labels: what `truth` is, for the reader.
        scheme: class scheme of both.

    Raises:
        InputError: as `score_labels`.
    """
    summary = score_labels({name: folder / f"{name}.png" for name in truth}, truth, scheme, labels)
    return {**summary, "no_data_left_out": no_data_left_out(summary, scheme)}


def no_data_left_out(summary: Summary, scheme: ClassScheme = OPEN_EARTH_MAP) -> Summary | None:
    """The scores without the labelled pixels that were predicted 0: they are no misses, they do not count at all.

    A class that has no pixel left, and is predicted nowhere, is absent: named, and left out of the mean.

    Args:
        summary: with `confusion` counts, see `score_labels`.
        scheme: class scheme of the counts.

    Returns:
        As `ConfusionMatrix.summary`; None if no pixel is left.
    """
    matrix = ConfusionMatrix(scheme)
    matrix.counts += np.array(summary["confusion"], dtype=np.int64)
    return matrix.summary(summary["labels"]) if matrix.pixels else None


def submission_table(submission: Summary, scheme: ClassScheme = OPEN_EARTH_MAP) -> str:
    """Text of both scores that `score_submission` gives, IoU in percent; one line where they are the same.

    `-` stands for a class that does not occur.
    """
    missed, told = sum(submission["missed"]), f"label PNGs against {submission['labels']}"
    if not missed:
        return f"{told}: mIoU {100 * submission['miou']:.1f}, no labelled pixel is 0 (no data)"
    rows = {"they count as missed": submission, "they are left out": submission["no_data_left_out"]}
    heads = class_heads("IoU in %", "mIoU", scheme, NAME_WIDTH)
    share = f"{told}, {missed / submission['pixels']:.2%} of whose pixels are 0 (no data)"
    return "\n".join(
        [share, heads, *(class_row(name, _scores(entry, scheme), NAME_WIDTH) for name, entry in rows.items() if entry)]
    )


def _scores(entry: Summary, scheme: ClassScheme) -> list[float | None]:
    return [entry["miou"], *(entry["iou"][name] for name in scheme.classes)]
