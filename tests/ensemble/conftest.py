"""Writers of small score folders and SAR tiles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from ensemble.members import Member
from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import SarTile
from landcover.images.grid import Georeference
from landcover.images.raster import write_raster
from landcover.score_files.score_file import ScoreFile, ScoreHeader, write_scores

Codes = NDArray[np.uint8]


@pytest.fixture
def write_file() -> Callable[..., Path]:
    def write(
        path: Path,
        codes: Codes,
        encoding: str = "logit",
        log_range: float = 10.0,
        scheme: str = OPEN_EARTH_MAP.name,
        georeference: Georeference | None = None,
        no_data: NDArray[np.bool_] | None = None,
    ) -> Path:
        classes, height, width = codes.shape
        header = ScoreHeader(path.parent.name, scheme, encoding, log_range, height, width, classes)
        write_scores(path, codes, header, georeference or Georeference(), no_data)
        return path

    return write


@pytest.fixture
def write_member(tmp_path: Path, write_file: Callable[..., Path]) -> Callable[..., Member]:
    def write(name: str, tiles: Mapping[str, Codes], weight: float = 1.0, **options: object) -> Member:
        folder = tmp_path / "scores" / name
        folder.mkdir(parents=True, exist_ok=True)
        for tile, codes in tiles.items():
            write_file(folder / f"{tile}.tif", codes, **options)
        return Member(name, folder, weight)

    return write


@pytest.fixture
def write_sar(tmp_path: Path) -> Callable[..., SarTile]:
    def write(name: str, pixels: NDArray[np.generic]) -> SarTile:
        path = tmp_path / "data" / "test" / "sar_images" / f"{name}.tif"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_raster(path, pixels)
        return SarTile(name, path, None, None)

    return write


@pytest.fixture
def random_codes() -> Callable[..., Codes]:
    def draw(seed: int, height: int = 6, width: int = 5, classes: int = 8) -> Codes:
        return np.random.default_rng(seed).integers(0, 256, (classes, height, width), dtype=np.uint8)

    return draw


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int, int]]:
    """Grows by (member, plane, row, column) of every tile that is decoded."""
    places: list[tuple[str, int, int, int]] = []
    read_tile = ScoreFile.read_tile

    def counting(file: ScoreFile, plane: int, row: int, column: int, out: np.ndarray) -> None:
        places.append((file.path.parent.name, plane, row, column))
        read_tile(file, plane, row, column, out)

    monkeypatch.setattr(ScoreFile, "read_tile", counting)
    return places
