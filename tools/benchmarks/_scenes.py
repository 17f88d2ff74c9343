"""SAR scenes of any size on disk, and a network that is small beside the handling of the scenes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin
from rasterio.windows import Window

BLOCK = 512
"""Side of the blocks in which scenes are made, pixels."""

TINY_NETWORK: dict[str, Any] = {
    "type": "EncoderDecoder",
    "data_preprocessor": {"type": "SarPreprocessor", "mean": [60.0], "std": [40.0]},
    "backbone": {
        "type": "FastMixVisionTransformer",
        "in_channels": 1,
        "embed_dims": 4,
        "num_layers": (1, 1, 1, 1),
    },
    "decode_head": {
        "type": "FastSegformerHead",
        "in_channels": [4, 8, 20, 32],
        "in_index": [0, 1, 2, 3],
        "channels": 8,
        "num_classes": 8,
        "align_corners": False,
    },
}
"""SegFormer with few channels, as config of mmseg's MODELS registry."""


def write_scene(path: Path, side: int) -> None:
    """Writes a SAR scene of `side` x `side` pixels, block by block: fields under speckle, no data at one corner."""
    rng = np.random.default_rng(0)
    speckle = np.sqrt(rng.gamma(3, 1 / 3, (2 * BLOCK, 2 * BLOCK))).astype(np.float32)
    shape = {"width": side, "height": side, "count": 1, "dtype": "uint8"}
    tiles = {"tiled": True, "blockxsize": BLOCK, "blockysize": BLOCK, "compress": "deflate", "zlevel": 1}
    place = {"crs": CRS.from_epsg(32654), "transform": from_origin(400000, 4000000, 0.5, 0.5)}
    with rasterio.open(path, "w", driver="GTiff", **shape, **tiles, **place) as file:
        for top in range(0, side, BLOCK):
            for left in range(0, side, BLOCK):
                height, width = min(BLOCK, side - top), min(BLOCK, side - left)
                block = _block(rng, speckle)[:height, :width]
                if top + left < side // 8:
                    rows, columns = np.ogrid[top : top + height, left : left + width]
                    block[rows + columns < side // 8] = 0
                file.write(block, 1, window=Window(left, top, width, height))


def _block(rng: np.random.Generator, speckle: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Smooth fields of another brightness, with a random part of the speckle."""
    fields = cv2.resize(rng.uniform(15, 110, (9, 9)).astype(np.float32), (BLOCK, BLOCK), interpolation=cv2.INTER_LINEAR)
    row, column = rng.integers(0, BLOCK, 2)
    amplitude = fields * speckle[row : row + BLOCK, column : column + BLOCK]
    return np.clip(amplitude, 1, 255).astype(np.uint8)
