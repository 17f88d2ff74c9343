"""SAR tiles for benchmarks of stage 2, and the training that a config makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from landcover.data_sets.training_tiles import TrainingTile
from landcover.demo_scenes.layout import SUBURB, lay_out
from landcover.demo_scenes.sar import draw_sensor, render_sar
from landcover.images.raster import write_raster
from landcover.registry import register_all
from landcover.training.band_statistics import band_statistics
from landcover.training.config import load_config
from landcover.training.training import Training
from stage2_sar_seg.sar_training import sar_config, sar_training
from tools.benchmarks._optical_pairs import MIT_B0

CONFIG = Path(__file__).parents[2] / "configs/stage2/segformer_mit-b3_768.py"


def write_tiles(folder: Path, count: int, side: int) -> None:
    """Writes `count` SAR images and label maps of `side` x `side` pixels: one scene, shifted."""
    rng = np.random.default_rng(0)
    scene = lay_out(rng, side, side, SUBURB)
    image = render_sar(scene, draw_sensor(rng, misregistered=False), rng)
    labels = scene.crop(scene.labels)
    for number, (rows, columns) in enumerate(rng.integers(side, size=(count, 2))):
        for kind, pixels in (("images", image), ("labels", labels)):
            path = folder / kind / f"tile_{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_raster(path, np.roll(pixels, (rows, columns), axis=(0, 1)))


def training_of(folder: Path, crop_size: int, options: Sequence[str] = ()) -> Training:
    """The training of a SAR model (SegFormer with MiT-B0) on the tiles in `folder`, as the training command sets it up.

    Args:
        folder: see `write_tiles`.
        crop_size: side of the crops, pixels.
        options: further `key.key=value` on top of the config.
    """
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    config = load_config(CONFIG, [*MIT_B0, f"crop_size={crop_size}", *options], stage=2)
    images = sorted(folder.glob("images/*"))
    statistics = band_statistics(images)
    config = sar_config(config, statistics)
    labelled = [TrainingTile(path, folder / "labels" / path.name) for path in images]
    return sar_training("benchmark", config, config.model, labelled, None, folder / "run", seed=0)
