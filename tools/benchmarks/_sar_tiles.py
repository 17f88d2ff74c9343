"""SAR tiles for benchmarks of stage 2, and the training that a config makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from landcover.data_sets.training_tiles import TrainingTile
from landcover.demo_scenes.sar import draw_sensor, render_sar
from landcover.training.band_statistics import band_statistics
from landcover.training.training import Training
from stage2_sar_seg.sar_training import sar_config, sar_training
from tools.benchmarks._mit_b0 import mit_b0_config
from tools.benchmarks._shifted_tiles import write_shifted_tiles


def write_tiles(folder: Path, count: int, side: int) -> None:
    """Writes `count` SAR images and label maps of `side` x `side` pixels, see `write_shifted_tiles`."""
    write_shifted_tiles(
        folder, count, side, lambda scene, rng: render_sar(scene, draw_sensor(rng, misregistered=False), rng)
    )


def training_of(folder: Path, crop_size: int, options: Sequence[str] = ()) -> Training:
    """The training of a SAR model (SegFormer with MiT-B0) on the tiles in `folder`, as the training command sets it up.

    Args:
        folder: see `write_tiles`.
        crop_size: side of the crops, pixels.
        options: further `key.key=value` on top of the config.
    """
    images = sorted(folder.glob("images/*"))
    config = sar_config(mit_b0_config(2, crop_size, options), band_statistics(images))
    labelled = [TrainingTile(path, folder / "labels" / path.name) for path in images]
    return sar_training("benchmark", config, config.model, labelled, None, folder / "run", seed=0)
