"""SAR tiles loaded by mmsegmentation's own data set and transforms: what our loader is compared with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mmengine.registry import init_default_scope
from mmseg.datasets import BaseSegDataset

from landcover.classes import IGNORE_INDEX, OPEN_EARTH_MAP

READ = (
    {"type": "LoadImageFromFile"},  # OpenCV; the grey image becomes three equal bands
    {"type": "LoadAnnotations"},
)

TURN = (
    {"type": "RandomFlip", "prob": 0.5, "direction": "horizontal"},
    {"type": "RandomFlip", "prob": 0.5, "direction": "vertical"},
    {"type": "RandomRotFlip", "rotate_prob": 0.0, "flip_prob": 0.5},  # 0 to 3 quarter turns and another flip
)

EQUAL_JITTER = {
    "type": "Albu",
    "transforms": [{"type": "RandomBrightnessContrast", "brightness_limit": 0.2, "contrast_limit": 0.2, "p": 0.5}],
    "keymap": {"img": "image", "gt_seg_map": "mask"},
}
"""The jitter of configs/_base_/datasets/sar.py."""

USUAL_JITTER = {"type": "PhotoMetricDistortion"}
"""The one in mmsegmentation's configs; its saturation and hue do not change a grey image."""


def plain_data_set(folder: Path, crop_size: int, tile: int, jitter: dict[str, Any] = EQUAL_JITTER) -> BaseSegDataset:
    """mmsegmentation's loader with the augmentation of Liu et al. 2025, as `TrainingTiles` has it.

    Args:
        folder: `images` and `labels`.
        crop_size: side of the crops, pixels.
        tile: side of the images, pixels.
        jitter: of the grey values.
    """
    size = (crop_size, crop_size)
    scale_and_crop = (
        {"type": "RandomResize", "scale": (tile, tile), "ratio_range": (0.5, 2.0), "keep_ratio": True},
        {"type": "RandomCrop", "crop_size": size, "cat_max_ratio": 0.75},
    )
    pad = {"type": "Pad", "size": size, "pad_val": {"img": 0, "seg": IGNORE_INDEX}}
    return _data_set(folder, [*READ, *scale_and_crop, *TURN, jitter, pad])


def plain_tiles(folder: Path) -> BaseSegDataset:
    """The tiles as mmsegmentation reads them, without augmentation."""
    return _data_set(folder, READ)


def _data_set(folder: Path, pipeline: Any) -> BaseSegDataset:
    init_default_scope("mmseg")
    return BaseSegDataset(
        data_root=str(folder),
        data_prefix={"img_path": "images", "seg_map_path": "labels"},
        img_suffix=".tif",
        seg_map_suffix=".tif",
        metainfo={"classes": OPEN_EARTH_MAP.classes, "palette": OPEN_EARTH_MAP.palette},
        reduce_zero_label=True,
        serialize_data=False,  # a few file names
        pipeline=[*pipeline, {"type": "PackSegInputs"}],
    )
