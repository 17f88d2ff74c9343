from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.data_sets.dfc2025 import Split, dfc2025_tiles
from landcover.images.raster import write_raster
from tools.lay_out_scenes import main

RunMain = Callable[..., tuple[int, str]]

DOUBTFUL, PUBLISHED_TEST = "NH49E014022", "NH49E001014"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Ten small scenes in the layout of WHU-OPT-SAR, one of them doubtful, one a published test scene."""
    rng = np.random.default_rng(0)
    for name in (DOUBTFUL, PUBLISHED_TEST, *(f"NH51E00{n}001" for n in range(8))):
        write_raster(tmp_path / "whu" / "image" / f"{name}.tif", rng.integers(1, 256, (16, 20, 4), np.uint8))
        write_raster(tmp_path / "whu" / "sar" / f"{name}.tif", rng.integers(1, 256, (16, 20), np.uint8))
        write_raster(tmp_path / "whu" / "lbl" / f"{name}.tif", 10 * rng.integers(0, 8, (16, 20)).astype(np.uint8))
    return tmp_path / "whu"


def names(out: Path, split: Split) -> set[str]:
    return {tile.name for tile in dfc2025_tiles(out, split)}


def test_scenes_become_a_data_root_of_all_stages(run_main: RunMain, root: Path, tmp_path: Path) -> None:
    out = tmp_path / "data"
    words = ["--root", root, "--out", out]
    code, output = run_main(main, *words)
    assert code == 0 and output.splitlines() == [
        f"wrote {out}: 9 of 10 scenes, 6 train, 1 val, 2 test",
        f"left out, as their labels are said to be wrong (--keep-doubtful keeps them): {DOUBTFUL}",
    ]
    splits = json.loads((out / "scenes.json").read_text())
    assert splits["left_out"] == [DOUBTFUL]
    found: dict[Split, set[str]] = {split: names(out, split) for split in ("train", "val", "test")}
    assert {name: split for split, inside in found.items() for name in inside} == splits["splits"]
    tile = dfc2025_tiles(out, "train")[0]
    assert tile.optical and tile.labels
    assert tile.labels.resolve() == root / "lbl" / f"{tile.name}.tif"
    assert run_main(main, *words)[1].startswith(f"is there: {out}: 9 of 10 scenes")
    code, message = run_main(main, *words, "--seed", "1")
    assert code == 2 and message.startswith(f"error: {out}: holds files made from something else (made_by.splits")


def test_published_test_scenes_and_doubtful_ones_are_there_on_request(
    run_main: RunMain, root: Path, tmp_path: Path
) -> None:
    out = tmp_path / "data"
    code, output = run_main(main, "--root", root, "--out", out, "--test", "published", "--val", "", "--keep-doubtful")
    assert code == 0 and output == f"wrote {out}: 10 of 10 scenes, 9 train, 0 val, 1 test\n"
    assert names(out, "test") == {PUBLISHED_TEST} and DOUBTFUL in names(out, "train")
