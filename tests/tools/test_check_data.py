"""The command that checks both data sets, as a user calls it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
from sar_scenes import write_scene

from landcover.images.raster import read_sar, write_raster
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


def changed_labels(root: Path, change: Callable[[np.ndarray], np.ndarray]) -> None:
    for path in root.glob("*/**/labels/*.tif"):
        with rasterio.open(path) as file:
            labels = file.read(1)
        write_raster(path, change(labels).astype(np.uint8))


@pytest.fixture
def words(demo_root: Path, tmp_path: Path) -> list[object]:
    """Arguments; the data lie in `<tmp_path>/data`."""
    data = tmp_path / "data"
    shutil.copytree(demo_root, data)
    roots = ["--oem-root", data / "OpenEarthMap", "--dfc-root", data / "DFC2025Track1"]
    return [*roots, "--run-dir", tmp_path / "run"]


def shares(tmp_path: Path) -> list[dict[str, float]]:
    reports = json.loads((tmp_path / "run" / "data_check" / "report.json").read_text())
    return [report["class_shares"] for report in reports[:2]]


def test_a_number_that_is_made_unknown_goes_on_in_the_same_run(
    words: list[object], tmp_path: Path, run_main: RunMain
) -> None:
    assert run_main(main, *words)[0] == 0
    expected = shares(tmp_path)
    shutil.rmtree(tmp_path / "run")
    changed_labels(tmp_path / "data", lambda labels: np.where(labels == 0, 255, labels))
    code, message = run_main(main, *words)
    assert code == 2 and 'LABEL_VALUES="255:0" says so' in message
    assert run_main(main, *words, "--label-values", "255:0")[0] == 0
    assert shares(tmp_path) == expected


def test_labels_that_count_from_0_are_shifted_in_the_same_run(
    words: list[object], tmp_path: Path, run_main: RunMain
) -> None:
    common_first = np.array([1, 2, 1, 3, 4, 5, 6, 7, 8])  # rangeland and bareland change places
    changed_labels(tmp_path / "data", lambda labels: common_first[labels])
    assert run_main(main, *words)[0] == 0
    expected = shares(tmp_path)
    shutil.rmtree(tmp_path / "run")
    changed_labels(tmp_path / "data", lambda labels: labels - 1)
    code, printed = run_main(main, *words)
    assert code == 0 and printed.count('LABEL_VALUES="+1" reads them') == 2
    code, printed = run_main(main, *words, "--label-values", "+1")
    assert code == 0 and "LABEL_VALUES" not in printed
    assert shares(tmp_path) == expected
    assert "is there:" in run_main(main, *words, "--label-values", "+1")[1]
