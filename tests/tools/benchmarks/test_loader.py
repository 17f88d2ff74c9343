import json
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile

from landcover.images.raster import read_raster, write_raster
from tools.benchmarks import loader
from tools.benchmarks._loading import LOADED
from tools.benchmarks._measure import Build, Cost
from tools.benchmarks.loader import FILES, NO_DATA, PUBLISHED, differences, our_data_set, write_files


@pytest.fixture
def folders(tmp_path: Path, registered: None) -> dict[str, Path]:
    return write_files(tmp_path, 2, 96)


def test_files_of_every_kind_hold_the_same_pixels(folders: dict[str, Path]) -> None:
    assert list(folders) == list(FILES)
    for part in ("images/tile_1.tif", "labels/tile_0.tif"):
        pixels = {kind: read_raster(folder / part).pixels for kind, folder in folders.items()}
        first, without_corner = pixels[PUBLISHED], pixels.pop(NO_DATA)
        assert first.shape == (96, 96) and len(np.unique(first)) > 1
        assert all(np.array_equal(first, other) for other in pixels.values())
        for row in range(48):
            first[row, : 48 - row] = 0
        np.testing.assert_array_equal(without_corner, first)
    stored = []
    for folder in folders.values():
        with tifffile.TiffFile(folder / "images/tile_0.tif") as file:
            stored.append((file.pages[0].compression.name, file.pages[0].is_tiled))
    assert stored == [("DEFLATE", False), ("DEFLATE", False), ("DEFLATE", True), ("LZW", False), ("NONE", False)]


def test_both_sides_load_the_same(folders: dict[str, Path]) -> None:
    for folder in folders.values():
        assert differences(folder, 64, 96) == []


def test_a_side_that_reads_other_labels_is_noticed(folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = folders[PUBLISHED]
    whole = our_data_set(folder, 96, scale=(1.0, 1.0), augmentations=[])[0]
    path = Path(whole["data_samples"].img_path)
    empty = read_raster(path).pixels.copy()
    empty[:40] = 0  # labels are void in a wedge for us, not for mmsegmentation
    write_raster(path, empty)
    assert differences(folder, 64, 96) == ["labels differ"]


def test_the_result_is_that_of_published_files(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], registered: None
) -> None:
    seconds = {"plain": 8.0, "plain, its usual jitter": 9.0, "ours": 2.0, "ours, cached": 0.5}
    seconds["ours, its codec alone"] = 1.0
    kinds = iter(FILES)

    def turns(builds: dict[str, Build], repeats: int) -> dict[str, Cost]:
        assert repeats == 3
        slower = 1 if next(kinds) == PUBLISHED else 7
        costs = {}
        for side, build in builds.items():
            build()()  # every side loads
            costs[side] = Cost(seconds[side] * (slower if side == "ours" else 1), 0)
        return costs

    monkeypatch.setattr(loader, "take_turns", turns)
    monkeypatch.setattr(loader, "use_one_core", lambda: None)  # this process has other tests to run
    monkeypatch.setattr(sys, "argv", ["loader", "--crop", "48", "--tile", "64", "--tiles", "2", "--repeats", "3"])
    loader.main()
    lines = capsys.readouterr().out.splitlines()
    expected = {"speedup": 4.0, "speedup_no_data": 0.5714, "speedup_usual_jitter": 4.5, "speedup_cached": 16.0}
    assert json.loads(lines[-1]) == expected
    row = f"{'ours':{max(map(len, [PUBLISHED, *seconds]))}}  {LOADED / 2:>9.1f}  {4:>10.2f}"
    assert lines.count(row) == 1
