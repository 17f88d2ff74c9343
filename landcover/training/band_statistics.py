"""Mean and standard deviation of SAR grey values over a training set."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from landcover.no_data import no_data_mask
from landcover.raster import read_sar


def band_statistics(images: Sequence[Path]) -> tuple[float, float]:
    """Mean and standard deviation of all pixels of SAR images, no-data left out, in grey values of the files.

    Sums are float64 and added in the order of `images`, so the result is the same in every run.
    """
    with ThreadPoolExecutor(8) as pool:
        sums = np.array(list(pool.map(_sums, images)))
    count, total, squares = sums.sum(0)
    mean = total / max(count, 1)
    return float(mean), float(np.sqrt(max(squares / max(count, 1) - mean**2, np.finfo(np.float32).eps)))


def _sums(path: Path) -> tuple[float, float, float]:
    image = read_sar(path)
    values = image[~no_data_mask(image)].astype(np.float64)
    return float(values.size), float(values.sum()), float(np.square(values).sum())
