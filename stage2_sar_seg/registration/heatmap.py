"""The peak of a heatmap of similarities: where it is, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LOBE = 6
"""Pixels around the peak, in every direction, that belong to it; a second peak lies outside."""

INDEPENDENT = 9
"""Pixels of a heatmap that are as good as one place: gradients that are compared are about three pixels wide."""


@dataclass(frozen=True)
class Peak:
    """The highest place of a heatmap.

    Args:
        row, column: its place, pixels from the first one, between pixels.
        confidence: in [0, 1], see `find_peak`.
        at_border: whether the highest pixel lies in the first or last row or column: the true peak may be outside.
    """

    row: float
    column: float
    confidence: float
    at_border: bool


def find_peak(heatmap: NDArray[np.floating], lobe: int = LOBE) -> Peak:
    """The peak of a heatmap; the first one if there are several of one height.

    A parabola through the highest pixel and its neighbours, in each direction, moves it by up to half a pixel.

    Confidence is the chance that a map of noise alone, as uneven as this one, would have a highest peak that leads the
    second by less: the leads of the highest of many peaks of a Gaussian field follow an exponential distribution, whose
    mean is the deviation of the field over the square root of 2 log n for n independent places (Leadbetter, Lindgren,
    Rootzen: Extremes and Related Properties of Random Sequences and Processes, 1983). The second peak and the deviation
    are those outside of the lobe; every `INDEPENDENT` pixels there are one place. At the border confidence is 0, and
    also where the lobe leaves nothing to compare with.

    Args:
        heatmap: (H, W), finite; larger is more similar.
        lobe: see `LOBE`.
    """
    height, width = heatmap.shape
    row, column = (int(n) for n in np.unravel_index(np.argmax(heatmap), heatmap.shape))
    at_border = row in (0, height - 1) or column in (0, width - 1)
    confidence = 0.0 if at_border else _confidence(heatmap, row, column, lobe)
    return Peak(row + _vertex(heatmap[:, column], row), column + _vertex(heatmap[row], column), confidence, at_border)


def _confidence(heatmap: NDArray[np.floating], row: int, column: int, lobe: int) -> float:
    elsewhere = np.ones(heatmap.shape, dtype=bool)
    elsewhere[max(0, row - lobe) : row + lobe + 1, max(0, column - lobe) : column + lobe + 1] = False
    if not elsewhere.any():
        return 0.0
    rest = heatmap[elsewhere].astype(np.float64)
    lead, deviation = float(heatmap[row, column]) - float(rest.max()), float(rest.std())
    if lead <= 0 or deviation == 0:
        return float(lead > 0)
    places = max(rest.size / INDEPENDENT, 2.0)
    return 1 - math.exp(-math.sqrt(2 * math.log(places)) * lead / deviation)


def _vertex(line: NDArray[np.floating], place: int) -> float:
    """Where, from `place` on, the parabola through it and its two neighbours is highest, in [-0.5, 0.5]."""
    if place in (0, len(line) - 1):
        return 0.0
    before, middle, after = (float(value) for value in line[place - 1 : place + 2])
    bend = before - 2 * middle + after
    return 0.0 if bend >= 0 else float(np.clip((before - after) / (2 * bend), -0.5, 0.5))
