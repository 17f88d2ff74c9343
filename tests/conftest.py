"""What many tests need: registered classes and a tiny demo data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from landcover.demo_scenes import DemoSizes, write_demo
from landcover.registry import register_all


@pytest.fixture(scope="session")
def registered() -> None:
    """Classes that configs name are known to mmengine."""
    register_all()


@pytest.fixture(scope="session")
def demo_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with `OpenEarthMap`, `DFC2025Track1` and `truth`; read only."""
    root = tmp_path_factory.mktemp("demo_root") / "data"
    sizes = DemoSizes(source_train=4, source_val=2, target_train=4, target_val=1, target_test=2, tile=64)
    write_demo(root, seed=1, sizes=sizes, quiet=True)
    return root
