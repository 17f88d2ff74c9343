"""The folders that stage 50 reads: few tiles, made up or of another run, under many names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ensemble.members import check_members, find_members
from landcover.classes import OPEN_EARTH_MAP
from landcover.images.grid import Georeference
from landcover.images.label_file import write_labels
from landcover.images.raster import write_raster
from landcover.networks.model_file import ModelInfo
from landcover.prediction.write_scores import write_probabilities
from landcover.score_files.score_file import read_header
from tools.benchmarks._score_fields import probabilities, true_labels

MODELS = ("segformer_mit-b3_768", "segformer_mit-b5_960", "upernet_convnextv2-b_1024", "upernet_swinv2-b_768")
"""Configs in `configs/stage2` under whose names the score files lie."""

LAYOUTS = 3
"""Label maps, which take seconds each to make; tiles of one label map differ by the noise of the models."""

WEDGES = 4
"""Every fourth tile has a corner without data, an eighth of it."""


@dataclass(frozen=True)
class ScoreRun:
    """A data set and a run, each with what stage 50 reads of it.

    Args:
        folder: holds both.
    """

    folder: Path

    @property
    def data(self) -> Path:
        """DFC_ROOT."""
        return self.folder / "data"

    @property
    def run(self) -> Path:
        """RUN_DIR."""
        return self.folder / "run"

    def models(self) -> list[str]:
        """Names of the models that have score files."""
        return [member.name for member in find_members(self._scores)]

    def make_up(self, tiles: int, side: int) -> None:
        """Writes score files of `MODELS` as `_score_fields` tells, and labels of the tiles."""
        maps = [true_labels(layout, side) for layout in range(min(LAYOUTS, tiles))]
        for tile in range(tiles):
            name, labels, no_data = f"{tile:03d}", maps[tile % len(maps)], np.zeros((side, side), np.bool_)
            if tile % WEDGES == 0:
                no_data |= np.add.outer(np.arange(side), np.arange(side)) < side // 2
            self._write_images(name, no_data)
            write_labels(self.data / "test" / "labels" / f"{name}.tif", labels, OPEN_EARTH_MAP)
            for member, model in enumerate(MODELS):
                path, info = self._scores / model / f"{name}.tif", ModelInfo(model, "sar", OPEN_EARTH_MAP, side)
                write_probabilities(path, probabilities(labels, tile, member), info, "logit", Georeference(), no_data)

    def copy(self, scores: Path) -> None:
        """Copies score files from the first folders of `scores`, as many as `MODELS`; there are no labels."""
        members = find_members(scores)[: len(MODELS)]
        for number, tile in enumerate(check_members(members)):
            header, name = read_header(members[0].score_file(tile)), f"{number:03d}"
            self._write_images(name, np.zeros((header.height, header.width), np.bool_))
            for member, model in zip(members, MODELS, strict=False):
                path = self._scores / model / f"{name}.tif"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(member.score_file(tile).read_bytes())

    def multiply(self, tiles: int) -> None:
        """Gives the tiles further names, as hard links of their files, until there are so many."""
        for folder in (*(self.data / "test").iterdir(), *self._scores.iterdir()):
            found = sorted(folder.iterdir())
            for tile in range(tiles):
                os.link(found[tile % len(found)], folder / f"TestArea_{tile:04d}.tif")
            for path in found:
                path.unlink()

    def share_of_codes(self) -> float:
        """Bytes of all score files / bytes of their codes."""
        paths = sorted(self._scores.glob("*/*.tif"))
        headers = [read_header(path) for path in paths]
        codes = sum(header.classes * header.height * header.width for header in headers)
        return sum(path.stat().st_size for path in paths) / codes

    @property
    def _scores(self) -> Path:
        return self.run / "scores" / "test"

    def _write_images(self, name: str, no_data: NDArray[np.bool_]) -> None:
        """A SAR image of speckle alone, of which stage 50 reads the header; a training tile, without which it stops."""
        sar = np.clip(np.random.default_rng(0).gamma(3, 15, no_data.shape), 1, 255).astype(np.uint8)
        sar[no_data] = 0
        write_raster(self.data / "test" / "sar_images" / f"{name}.tif", sar)
        write_raster(self.data / "train" / "sar_images" / "0.tif", sar[:64, :64])
        write_raster(self.data / "train" / "rgb_images" / "0.tif", np.repeat(sar[:64, :64, None], 3, axis=2))
