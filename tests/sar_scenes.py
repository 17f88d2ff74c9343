"""SAR scenes and their maps as files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin


def write_scene(path: Path, image: NDArray[np.generic], descriptions: Sequence[str] = (), **profile: Any) -> Path:
    """Writes an image (H, W) or (H, W, bands) as GeoTIFF with a place on the ground and what its bands are.

    Args:
        path: file to write.
        image: of any type.
        descriptions: of the bands.
        profile: further keys of rasterio's profile.
    """
    bands = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    count, height, width = bands.shape
    place = {"crs": CRS.from_epsg(32654), "transform": from_origin(400000, 5000000, 0.5, 0.5)}
    shape = {"width": width, "height": height, "count": count, "dtype": image.dtype}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", **shape, **{**place, **profile}) as file:
        file.write(bands)
        file.descriptions = descriptions or file.descriptions
    return path


def radar(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth fields with speckle (height, width), 1..255."""
    rng = np.random.default_rng(seed)
    fields = np.kron(rng.uniform(20, 90, (height // 16 + 1, width // 16 + 1)), np.ones((16, 16)))[:height, :width]
    return (fields * np.sqrt(rng.gamma(3, 1 / 3, (height, width)))).clip(1, 255).astype(np.uint8)


def read_map(path: Path) -> NDArray[np.uint8]:
    """Labels or confidences (H, W)."""
    with rasterio.open(path) as file:
        return file.read(1)
