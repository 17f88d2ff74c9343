"""A SAR model small enough to be trained in a test and label files for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from landcover.run_files.manifest import OutputFolder

ROOT = Path(__file__).parents[2]

TINY_MODEL = f"""
_base_ = [
    "{ROOT}/configs/_base_/models/segformer_mit.py",
    "{ROOT}/configs/_base_/datasets/sar.py",
    "{ROOT}/configs/_base_/losses/sce_lovasz.py",
    "{ROOT}/configs/_base_/schedules/demo.py",
]
crop_size = 32
iterations = 2
model = dict(
    backbone=dict(in_channels=1, embed_dims=8, num_layers=(1, 1, 1, 1), drop_path_rate=0.0),
    decode_head=dict(in_channels=[8, 16, 40, 64], channels=16, dropout_ratio=0.0),
)
train_dataloader = dict(batch_size=2)
"""


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """Config file of a SAR model of two iterations."""
    path = tmp_path / "configs" / "tiny.py"
    path.parent.mkdir()
    path.write_text(TINY_MODEL)
    return path


@pytest.fixture
def label_folder(demo_root: Path, tmp_path: Path) -> Path:
    """The true labels of the training tiles, as a finished stage leaves them."""
    folder = tmp_path / "labels"
    output = OutputFolder(folder, {"stage": "pseudo_labels"}, {})
    output.begin()
    truth = sorted((demo_root / "truth" / "train" / "labels").glob("*.tif"))
    output.finish([Path(shutil.copy(path, folder / path.name)) for path in truth])
    return folder
