"""Reading of label maps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.classes import ClassScheme
from landcover.images.raster import read_raster


def read_labels(path: Path, scheme: ClassScheme) -> NDArray[np.uint8]:
    """Label map (H, W), uint8, values 0..C of `scheme`, of a one-band TIFF or PNG file."""
    labels = read_raster(path).pixels
    if labels.ndim == 3 and labels.shape[2] == 1:
        labels = labels[..., 0]
    scheme.check(labels, path)
    return labels
