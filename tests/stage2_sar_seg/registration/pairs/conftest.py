"""Small data sets in their published layouts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest


@pytest.fixture
def write_png() -> Callable[[Path, int], None]:
    """Writes noise, uint8, of one band or of three."""

    def write(path: Path, bands: int) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        shape = (24, 24) if bands == 1 else (24, 24, bands)
        cv2.imwrite(str(path), np.random.default_rng(0).integers(1, 256, shape, dtype=np.uint8))

    return write


@pytest.fixture
def sen12(tmp_path: Path, write_png: Callable[[Path, int], None]) -> Path:
    """Two seasons of SEN1-2, three scenes, four patches in each."""
    root = tmp_path / "sen12"
    for season, scenes in (("ROIs1158_spring", (0, 12)), ("ROIs1970_fall", (7,))):
        for scene in scenes:
            for patch in (3, 30, 31, 300):
                write_png(root / season / f"s1_{scene}" / f"{season}_s1_{scene}_p{patch}.png", 1)
                write_png(root / season / f"s2_{scene}" / f"{season}_s2_{scene}_p{patch}.png", 3)
    return root
