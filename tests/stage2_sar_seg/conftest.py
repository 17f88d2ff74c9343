"""A SAR model small enough to be trained in a test and label files for it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from tiny_networks import write_tiny_config

from landcover.run_files.manifest import OutputFolder


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """Config file of a SAR model of two iterations."""
    bases = ["datasets/sar", "losses/sce_lovasz"]
    return write_tiny_config(tmp_path / "configs", bases, iterations=2, bands=1)


@pytest.fixture
def label_folder(demo_root: Path, tmp_path: Path) -> Path:
    """The true labels of the training tiles, as a finished stage leaves them."""
    folder = tmp_path / "labels"
    output = OutputFolder(folder, {"stage": "pseudo_labels"}, {})
    output.begin()
    truth = sorted((demo_root / "truth" / "train" / "labels").glob("*.tif"))
    output.finish([Path(shutil.copy(path, folder / path.name)) for path in truth])
    return folder
