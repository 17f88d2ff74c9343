"""Tiles for benchmarks of stage 1, and the training that a config makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mmengine.config import Config

from landcover.data_sets.open_earth_map import LabelledTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.demo_scenes.looks import SUMMER
from landcover.demo_scenes.optical import render_optical
from landcover.training.training import Training
from stage1_optical_da.train_teachers import teacher_training
from tools.benchmarks._mit_b0 import mit_b0_config
from tools.benchmarks._shifted_tiles import write_shifted_tiles


def write_tiles(folder: Path, count: int, side: int) -> None:
    """Writes `count` RGB images and label maps of `side` x `side` pixels, see `write_shifted_tiles`."""
    write_shifted_tiles(folder, count, side, lambda scene, rng: render_optical(scene, SUMMER, rng))


def training_of(folder: Path, crop_size: int, options: Sequence[str] = ()) -> Training:
    """The training of a teacher (SegFormer with MiT-B0) on the tiles in `folder`, as the training command sets it up.

    Args:
        folder: see `write_tiles`; its images are source and target.
        crop_size: side of the crops, pixels.
        options: further `key.key=value` on top of the config.
    """
    return training_on(folder, mit_b0_config(1, crop_size, options))


def training_on(folder: Path, config: Config) -> Training:
    """The training of a teacher, from random weights, on the tiles in `folder`.

    Args:
        folder: see `write_tiles`; its images are source and target.
        config: of a teacher.
    """
    source = [LabelledTile(path.stem, path, folder / "labels" / path.name) for path in sorted(folder.glob("images/*"))]
    target = [TrainingTile(tile.image) for tile in source]
    return teacher_training("benchmark", config, config.model, source, [], target, folder / "run", seed=0)
