"""Benchmarks of domain adaptation in their official folders, tiny and of random content."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from landcover.data_sets.isprs import POTSDAM, VAIHINGEN
from landcover.images.raster import write_raster

ISPRS_COLOURS = [(0, 0, 0), (255, 255, 255), (0, 0, 255), (0, 255, 255), (0, 255, 0), (255, 255, 0), (255, 0, 0)]
"""Of unknown pixels and of the six classes."""

LOVEDA = {
    ("Train", "Rural"): (0, 9, 10),
    ("Train", "Urban"): (1366, 1367),
    ("Val", "Rural"): (2522, 2523),
    ("Val", "Urban"): (3514, 3515),
    ("Test", "Urban"): (5167,),
}
"""Numbers of the tiles that are written."""


def write_loveda(root: Path, side: int) -> Path:
    """LoveDA with a few tiles in every folder, the test part without masks."""
    rng = np.random.default_rng(0)
    for (split, landscape), numbers in LOVEDA.items():
        for number in numbers:
            images, masks = (root / split / landscape / name for name in ("images_png", "masks_png"))
            images.mkdir(parents=True, exist_ok=True)
            Image.fromarray(rng.integers(1, 256, (side, side, 3), np.uint8)).save(images / f"{number}.png")
            if split != "Test":
                masks.mkdir(exist_ok=True)
                Image.fromarray(_blocks(rng, side, 8)).save(masks / f"{number}.png")
    return root


def write_potsdam(root: Path, side: int) -> Path:
    """All areas of Potsdam, as RGB and IRRG, with the labels of all areas."""
    for area in " ".join(POTSDAM.areas.values()).split():
        for bands, folder in (("RGB", "2_Ortho_RGB"), ("IRRG", "3_Ortho_IRRG")):
            _write_image(root / folder / f"top_potsdam_{area}_{bands}.tif", side)
        _write_labels(root / "5_Labels_all" / f"top_potsdam_{area}_label.tif", side)
    return root


def write_vaihingen(root: Path, side: int) -> Path:
    """All areas of Vaihingen."""
    for area in " ".join(VAIHINGEN.areas.values()).split():
        _write_image(root / "top" / f"top_mosaic_09cm_area{area}.tif", side)
        _write_labels(root / "gts_for_participants" / f"top_mosaic_09cm_area{area}.tif", side)
    return root


def _write_image(path: Path, side: int) -> None:
    write_raster(path, np.random.default_rng(1).integers(1, 256, (side, side, 3), np.uint8))


def _write_labels(path: Path, side: int) -> None:
    write_raster(path, np.array(ISPRS_COLOURS, np.uint8)[_blocks(np.random.default_rng(2), side, 7)])


def _blocks(rng: np.random.Generator, side: int, values: int) -> np.ndarray:
    """Labels (side, side) in blocks of 4 x 4 pixels; of 0..values-1 each comes at least once where there is room."""
    few = -(-side // 4)
    small = rng.integers(0, values, few * few).astype(np.uint8)
    small[: min(values, few * few)] = np.arange(min(values, few * few))
    return np.kron(small.reshape(few, few), np.ones((4, 4), np.uint8))[:side, :side]
