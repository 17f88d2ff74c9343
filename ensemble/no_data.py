"""Where the images behind score files have no data: an average says nothing there, whatever the codes are."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.score_files.score_file import ScoreFile


def scored_no_data(paths: Sequence[Path]) -> NDArray[np.bool_] | None:
    """Where the image of a member has no data: bool (H, W), True = no data; None if a file does not know.

    Members may read different bands or images of one place; as for a network that reads several, one without data is
    enough.

    Args:
        paths: score files of one tile, of the same size.
    """
    masks = [ScoreFile(path).no_data() for path in paths]
    known = [mask for mask in masks if mask is not None]
    return np.logical_or.reduce(known) if len(known) == len(masks) else None
