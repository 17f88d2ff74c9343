"""The training of a config on one made-up tile, as its stage sets it up."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
from mmengine import Config

from landcover.data_sets.dfc2025 import dfc2025_tiles
from landcover.data_sets.open_earth_map import LabelledTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.images.raster import write_raster
from landcover.training.band_statistics import band_statistics
from landcover.training.sar_bands import SarBands
from landcover.training.training import Training
from stage1_optical_da.train_teachers import teacher_training
from stage2_sar_seg.sar_training import class_weights, sar_config, sar_training


def blank_training(config: Config, folder: Path) -> Training:
    """What `train_model` would get for this config, of either stage, from random weights.

    Args:
        config: see `landcover.training.config`.
        folder: empty; receives the tile.
    """
    side, rng = config.crop_size, np.random.default_rng(0)
    of_teacher, config = "self_training" in config, copy.deepcopy(config)
    grey = rng.integers(1, 256, (side, side), dtype=np.uint8)
    unit = None if of_teacher else config.sar.unit
    # Only uint8 images go without a unit; decibels are negative, and no integers.
    sar = grey if unit is None else np.float32(-0.1 if unit == "decibel" else 1.0) * grey
    chosen = () if of_teacher else SarBands.of(config.sar).read
    if len(chosen) > 1:
        sar = np.stack([sar] * len(chosen), axis=-1)
    if chosen:  # by number: the tile has no descriptions
        config.sar.update({"band": 1} if config.sar.band else {"bands": [*range(1, len(chosen) + 1)]})
    write_raster(folder / "train" / "sar_images" / "tile.tif", sar)
    write_raster(folder / "train" / "rgb_images" / "tile.tif", rng.integers(0, 256, (side, side, 3), dtype=np.uint8))
    write_raster(folder / "train" / "labels" / "tile.tif", rng.integers(1, 9, (side, side), dtype=np.uint8))
    (tile,) = dfc2025_tiles(folder, "train")
    assert tile.optical is not None and tile.labels is not None, "they were written"
    if of_teacher:
        source, target = LabelledTile(tile.name, tile.optical, tile.labels), TrainingTile(tile.optical)
        return teacher_training("teacher", config, config.model, [source], [], [target], folder / "run", seed=0)
    labelled = [TrainingTile(tile.image(config.modality), tile.labels)]
    statistics = band_statistics([tile.sar], config.sar.unit, config.sar.stretch, SarBands.of(config.sar).read)
    config = sar_config(config, statistics, class_weights(config, labelled))
    return sar_training("sar_model", config, config.model, labelled, None, folder / "run", seed=0)
