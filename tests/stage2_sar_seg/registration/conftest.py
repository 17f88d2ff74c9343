"""A matcher small enough to be trained in a test."""

from __future__ import annotations

from pathlib import Path

import pytest

DEMO = Path(__file__).parents[3] / "configs" / "registration" / "s2m2_demo.py"

TINY = f"""
_base_ = "{DEMO}"
model = dict(search=8, widths=[8, 16], shallow_channels=8)
crop_size = 32
iterations = 4
checkpoint_interval = 2
validation_interval = 100
train_dataloader = dict(batch_size=2, dataset=dict(unlabelled_per_labelled=1))
"""


@pytest.fixture
def tiny_matcher(tmp_path: Path) -> Path:
    """Config file of a matcher of four iterations: patches of 32 pixels in windows of 48."""
    path = tmp_path / "configs" / "tiny.py"
    path.parent.mkdir()
    path.write_text(TINY)
    return path
