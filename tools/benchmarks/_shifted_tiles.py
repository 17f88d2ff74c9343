"""Tiles for benchmarks of training: one rendered scene, shifted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landcover.demo_scenes.layout import SUBURB, lay_out
from landcover.demo_scenes.scene import Scene
from landcover.images.raster import write_raster


def write_shifted_tiles(
    folder: Path, count: int, side: int, render: Callable[[Scene, np.random.Generator], NDArray[Any]]
) -> None:
    """Writes images and label maps into `folder/images` and `folder/labels`, deflated as all files of this repository.

    The bytes differ from tile to tile, the work of decoding does not.

    Args:
        folder: receives them.
        count: how many of each.
        side: of the tiles, pixels.
        render: image (side, side) or (side, side, 3) of a scene.
    """
    rng = np.random.default_rng(0)
    scene = lay_out(rng, side, side, SUBURB)
    image, labels = render(scene, rng), scene.crop(scene.labels)
    for number, (rows, columns) in enumerate(rng.integers(side, size=(count, 2))):
        for kind, pixels in (("images", image), ("labels", labels)):
            path = folder / kind / f"tile_{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_raster(path, np.roll(pixels, (rows, columns), axis=(0, 1)))
