import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio

from landcover.images.raster import write_raster
from stage1_optical_da.label_quality import main

RunMain = Callable[..., tuple[int, str]]

TILES = 3


def maps(seed: int, classes: int = 8) -> np.ndarray:
    """Random label maps (TILES, 20, 30) with unknown pixels."""
    return np.random.default_rng(seed).integers(0, classes + 1, (TILES, 20, 30)).astype(np.uint8)


@pytest.fixture
def folders(tmp_path: Path) -> Path:
    """Label sets `mine` and `other` of all tiles, `truth` of the first one."""
    for name, seed in (("mine", 0), ("other", 1), ("truth", 2)):
        for tile, labels in enumerate(maps(seed)[: 1 if name == "truth" else TILES]):
            write_raster(tmp_path / name / f"{tile}.tif", labels)
    return tmp_path


def test_the_command_prints_the_table_and_writes_the_numbers(run_main: RunMain, folders: Path) -> None:
    out, sets = folders / "q.json", f"theirs={folders / 'other'}"
    code, printed = run_main(main, folders / "mine", "--against", sets, "--truth", folders / "truth", "--out", out)
    assert code == 0
    found, mine, truth = json.loads(out.read_text()), maps(0), maps(2)[0]
    other, kept = maps(1), (maps(2)[0] > 0) & (maps(0)[0] > 0)
    both = (mine > 0) & (other > 0)
    assert (found["name"].split("/")[-1], found["tiles"], found["confidence"]) == ("mine", TILES, None)
    assert found["agreement"]["theirs"]["equal"] == pytest.approx(np.mean(mine[both] == other[both]))
    assert found["truth"]["labels"] == "manual labels of 1 tiles"
    assert found["truth"]["on_kept"]["accuracy"] == pytest.approx(np.mean(mine[0][kept] == truth[kept]))
    lines = printed.splitlines()
    assert lines[0].startswith("labels in % ")
    assert lines[1].endswith("/mine: 3 tiles, 1,800 pixels")
    equal = 100 * np.mean(mine[both] == other[both])
    assert f"Against theirs labels: equal on {equal:.1f} % of the {100 * both.mean():.1f} % that both know" in lines
    assert lines[-1] == f"wrote {out}"


def test_mistakes_of_the_command_are_told_in_one_line(run_main: RunMain, folders: Path) -> None:
    write_raster(folders / "elsewhere" / "z.tif", np.ones((2, 2), np.uint8))
    write_raster(folders / "small" / "0.tif", np.ones((2, 2), np.uint8))
    cases = {
        f"{folders / 'truth'}: expected a label file for each of 3 tiles, found none for 2 (1, 2)": [
            *("--against", f"other={folders / 'truth'}")
        ],
        "two label sets are called x": ["--against", f"x={folders / 'other'}", f"x={folders / 'mine'}"],
        f"{folders / 'elsewhere'}: expected labels of some of the tiles": ["--truth", folders / "elsewhere"],
        f"{folders / 'small' / '0.tif'}: expected the 20x30 pixels": ["--truth", folders / "small"],
        f"{folders / 'absent'}: expected a folder": ["--against", folders / "absent"],
    }
    for expected, words in cases.items():
        code, message = run_main(main, folders / "mine", *words)
        assert (code, message.startswith(f"error: {expected}")) == (2, True), message


def test_conventions_are_read_as_the_option_or_the_environment_says(
    run_main: RunMain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    labels = maps(0)[0]
    one_hot = np.stack([labels == label for label in range(1, 9)], axis=2).astype(np.uint8)
    write_raster(tmp_path / "shifted" / "a.tif", np.where(labels == 0, 255, labels - 1).astype(np.uint8))
    with rasterio.open(
        tmp_path / "one_hot.tif", "w", driver="GTiff", width=30, height=20, count=8, dtype="uint8"
    ) as file:
        file.write(one_hot.transpose(2, 0, 1))
    (tmp_path / "bands").mkdir()
    (tmp_path / "one_hot.tif").rename(tmp_path / "bands" / "a.tif")
    code, message = run_main(main, tmp_path / "bands")
    assert code == 2 and "LABEL_VALUES=one-hot reads them" in message
    monkeypatch.setenv("LABEL_VALUES", "one-hot")
    assert run_main(main, tmp_path / "bands", "--out", tmp_path / "one_hot.json")[0] == 0
    code, printed = run_main(
        main, tmp_path / "shifted", "--label-values", "255:0 +1", "--out", tmp_path / "shifted.json"
    )
    assert code == 0 and "warning" not in printed
    found = [json.loads((tmp_path / f"{name}.json").read_text())["shares"] for name in ("one_hot", "shifted")]
    assert found[0] == found[1] and found[0]["building"] == pytest.approx(np.mean(labels == 8))


def test_labels_that_count_from_0_are_a_warning(run_main: RunMain, tmp_path: Path) -> None:
    write_raster(tmp_path / "zero_based" / "a.tif", maps(0, classes=7)[0])
    code, printed = run_main(main, tmp_path / "zero_based")
    assert code == 0
    assert f"warning: {tmp_path / 'zero_based'}: label files (1 looked at): no pixel is building (8)" in printed
    assert 'LABEL_VALUES="+1" reads them' in printed
