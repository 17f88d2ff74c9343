"""Grey values of any image as matchers read them."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Normalisation = Literal["z-score", "percentiles"]
"""`z-score`: mean 0 and deviation 1; `percentiles`: the same after values are clipped to `CLIPPED`."""

CLIPPED = (1.0, 99.0)
"""Percentiles of the pixels with data."""


def normalized(
    pixels: NDArray[Any], no_data: NDArray[np.bool_], method: Normalisation = "z-score"
) -> NDArray[np.float32] | None:
    """Bands of mean 0 and deviation 1 over the pixels with data, 0 elsewhere; None if all bands are constant.

    Args:
        pixels: (H, W) or (H, W, C).
        no_data: bool (H, W), with at least one False.
        method: see `Normalisation`.

    Returns:
        float32 (C, H, W), C = 1 for (H, W); a band that is constant is 0.
    """
    bands = np.atleast_3d(pixels).transpose(2, 0, 1)
    result = np.zeros(bands.shape, dtype=np.float32)
    for band, out in zip(bands, result, strict=True):
        values = band[~no_data].astype(np.float64)
        if method == "percentiles":
            values = values.clip(*np.percentile(values, CLIPPED))
        deviation = values.std()
        if deviation > 0 and values.min() < values.max():
            out[~no_data] = (values - values.mean()) / deviation
    return result if result.any() else None
