"""Score folders of models that are made up."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.run_files.manifest import FINISHED
from landcover.score_files.score_file import ScoreHeader, encode, write_scores


def write_model(folder: Path, tiles: dict[str, NDArray[np.float32]], no_data: NDArray[np.bool_] | None = None) -> None:
    """Score files of probabilities (8, H, W) by tile, and the manifest of a finished folder."""
    for tile, probabilities in tiles.items():
        height, width = probabilities.shape[1:]
        header = ScoreHeader(folder.name, OPEN_EARTH_MAP.name, "probability", 10.0, height, width, 8)
        codes = encode(probabilities.astype(np.float32), "probability")
        write_scores(folder / f"{tile}.tif", codes, header, no_data=no_data)
    (folder / FINISHED).write_text("{}")


def sure_of(labels: NDArray[np.integer], probability: float = 0.86) -> NDArray[np.float32]:
    """(8, H, W), this probability for the classes of a label map 1..8, the rest shared out among the others."""
    found = np.full((8, *labels.shape), (1 - probability) / 7, np.float32)
    np.put_along_axis(found, labels[None].astype(np.int64) - 1, np.float32(probability), 0)
    return found
