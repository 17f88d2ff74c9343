"""The command that checks both data sets, as a user calls it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sar_scenes import write_scene

from landcover.images.raster import read_sar
from tools.check_data import main

RunMain = Callable[..., tuple[int, str]]


def test_splits_whose_sar_images_differ_are_warned_of(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    words = ["--oem-root", demo_root / "OpenEarthMap", "--dfc-root", data, "--run-dir"]
    code, output = run_main(main, *words, tmp_path / "first")
    assert code == 0 and "SAR images differ" not in output
    for path in (data / "test/sar_images").iterdir():
        pixels = read_sar(path).pixels.astype(np.float32)
        write_scene(path, np.stack([pixels, pixels / 2], axis=-1), ("VV", "VH"))
    code, output = run_main(main, *words, tmp_path / "second")
    assert code == 0
    assert (
        "  warning: SAR images differ: uint8 in DFC2025 Track 1 train and DFC2025 Track 1 val but float32 of "
        "VV, VH in DFC2025 Track 1 test; a model reads those of its training, convert them to one kind\n"
    ) in output
    assert "  SAR VH mean, deviation " in output
    *_, test = json.loads((tmp_path / "second/data_check/report.json").read_text())
    assert [band["band"] for band in test["sar"]] == ["VV", "VH"]
