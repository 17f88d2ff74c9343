"""Tiles for benchmarks of stage 1, and the training that a config makes of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from mmengine.logging import MMLogger

from landcover.data_sets.open_earth_map import LabelledTile
from landcover.data_sets.training_tiles import TrainingTile
from landcover.demo_scenes.layout import SUBURB, lay_out
from landcover.demo_scenes.looks import SUMMER
from landcover.demo_scenes.optical import render_optical
from landcover.images.raster import write_raster
from landcover.registry import register_all
from landcover.training.config import load_config
from landcover.training.training import Training
from stage1_optical_da.train_teachers import teacher_training

CONFIG = Path(__file__).parents[2] / "configs/stage1/segformer_mit-b3_768.py"

MIT_B0 = (
    "model.backbone.embed_dims=32",
    "model.backbone.num_layers=(2,2,2,2)",
    "model.decode_head.in_channels=[32,64,160,256]",
    "model.decode_head.channels=256",
)


def write_tiles(folder: Path, count: int, side: int) -> None:
    """Writes `count` RGB images and label maps of `side` x `side` pixels, deflated as all files of this repository.

    One scene is rendered and shifted: the bytes differ from tile to tile, the work of decoding does not.
    """
    rng = np.random.default_rng(0)
    scene = lay_out(rng, side, side, SUBURB)
    image, labels = render_optical(scene, SUMMER, rng), scene.crop(scene.labels)
    for number, (rows, columns) in enumerate(rng.integers(side, size=(count, 2))):
        for kind, pixels in (("images", image), ("labels", labels)):
            path = folder / kind / f"tile_{number}.tif"
            path.parent.mkdir(parents=True, exist_ok=True)
            write_raster(path, np.roll(pixels, (rows, columns), axis=(0, 1)))


def training_of(folder: Path, crop_size: int, options: Sequence[str] = ()) -> Training:
    """The training of a teacher (SegFormer with MiT-B0) on the tiles in `folder`, as the training command sets it up.

    Args:
        folder: see `write_tiles`; its images are source and target.
        crop_size: side of the crops, pixels.
        options: further `key.key=value` on top of the config.
    """
    register_all()
    MMLogger.get_current_instance().setLevel("ERROR")  # mmengine lists every parameter otherwise
    config = load_config(CONFIG, [*MIT_B0, f"crop_size={crop_size}", *options], stage=1)
    source = [LabelledTile(path.stem, path, folder / "labels" / path.name) for path in sorted(folder.glob("images/*"))]
    target = [TrainingTile(tile.image) for tile in source]
    return teacher_training("benchmark", config, config.model, source, [], target, folder / "run", seed=0)
