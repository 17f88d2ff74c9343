import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import write_raster
from landcover.metrics import ConfusionMatrix
from stage1_optical_da.label_quality import LabelCounts, accuracy, agreement, main

RunMain = Callable[..., tuple[int, str]]

CLASSES = OPEN_EARTH_MAP.classes
TILES = 3


def maps(seed: int, classes: int = 8) -> np.ndarray:
    """Random label maps (TILES, 20, 30) with unknown pixels; high classes may be absent."""
    return np.random.default_rng(seed).integers(0, classes + 1, (TILES, 20, 30)).astype(np.uint8)


def brute_force_iou(one: np.ndarray, other: np.ndarray) -> dict[str, float | None]:
    """IoU per class over equally shaped flat maps."""
    iou = {}
    for label, name in enumerate(CLASSES, start=1):
        union = int(((one == label) | (other == label)).sum())
        iou[name] = int(((one == label) & (other == label)).sum()) / union if union else None
    return iou


def mean(values: dict[str, float | None]) -> float:
    return float(np.mean([value for value in values.values() if value is not None]))


def count(labels: np.ndarray, other: np.ndarray, truth: np.ndarray, confidence: np.ndarray | None) -> LabelCounts:
    """Counts tile by tile, merged."""
    total = LabelCounts()
    for tile in range(TILES):
        part = LabelCounts()
        part.add(labels[tile], {"other": other[tile]}, truth[tile], None if confidence is None else confidence[tile])
        total.merge(part)
    return total


def test_shares_and_confidence_equal_brute_force_over_all_tiles() -> None:
    labels = maps(0, 6)
    confidence = np.random.default_rng(1).random(labels.shape, np.float32)
    quality = count(labels, maps(2), maps(3), confidence).quality()
    exact = confidence.astype(np.float64)
    assert quality["pixels"] == labels.size
    assert quality["unknown"] == pytest.approx(np.mean(labels == 0))
    assert quality["confidence"]["mean"] == pytest.approx(exact.mean(), rel=1e-12)
    assert quality["confidence"]["unknown"] == pytest.approx(exact[labels == 0].mean(), rel=1e-12)
    for label, name in enumerate(CLASSES, start=1):
        assert quality["shares"][name] == pytest.approx(np.mean(labels == label))
        expected = exact[labels == label].mean() if label <= 6 else None
        assert quality["confidence"]["classes"][name] == (expected and pytest.approx(expected, rel=1e-12))
    assert count(labels, maps(2), maps(3), None).quality()["confidence"] is None


def test_agreement_counts_pixels_that_both_sets_know() -> None:
    labels, other = maps(0, 6), maps(2, 7)
    found = count(labels, other, maps(3), None).quality()["agreement"]["other"]
    both = (labels > 0) & (other > 0)
    iou = brute_force_iou(labels[both], other[both])
    assert found["known_in_both"] == pytest.approx(both.mean())
    assert found["equal"] == pytest.approx(np.mean(labels[both] == other[both]))
    assert found["iou"] == pytest.approx(iou)
    assert found["iou"]["agriculture"] == 0.0 and found["iou"]["building"] is None
    assert found["miou"] == pytest.approx(mean(iou))
    swapped = count(other, labels, maps(3), None).quality()["agreement"]["other"]
    assert swapped == found


def test_accuracy_tells_kept_pixels_from_missed_ones() -> None:
    labels, truth = maps(0, 6), maps(3, 7)
    found = count(labels, maps(2), truth, None).quality("drawn by hand")["truth"]
    labelled, kept = truth > 0, (truth > 0) & (labels > 0)
    assert (found["labels"], found["pixels"]) == ("drawn by hand", int(labelled.sum()))
    assert found["kept"] == pytest.approx(kept.sum() / labelled.sum())
    for label, name in enumerate(CLASSES[:7], start=1):
        assert found["kept_classes"][name] == pytest.approx(np.mean(labels[truth == label] > 0))
    assert found["kept_classes"]["building"] is None
    for key, pixels in (("on_kept", kept), ("on_all", labelled)):
        iou = brute_force_iou(labels[pixels], truth[pixels])
        assert found[key]["accuracy"] == pytest.approx(np.mean(labels[pixels] == truth[pixels]))
        assert found[key]["iou"] == pytest.approx(iou)
        assert found[key]["miou"] == pytest.approx(mean(iou))
    assert found["on_kept"]["miou"] > found["on_all"]["miou"]


def test_nothing_known_in_common_gives_none_and_no_division_by_zero() -> None:
    matrix = ConfusionMatrix(OPEN_EARTH_MAP)
    matrix.add(np.array([1, 2], np.uint8), np.array([0, 0], np.uint8))
    nothing = dict.fromkeys(CLASSES)
    assert agreement(matrix, 2) == {"known_in_both": 0.0, "equal": None, "miou": None, "iou": nothing}
    scores = accuracy(matrix)
    assert (scores["kept"], scores["on_kept"]["accuracy"], scores["on_kept"]["iou"]) == (0.0, None, nothing)
    assert (scores["on_all"]["accuracy"], scores["on_all"]["miou"]) == (0.0, 0.0)
    assert LabelCounts().quality()["truth"] is None


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
        "manual labels: expected labels of some of the tiles": ["--truth", folders / "elsewhere"],
        f"{folders / 'small' / '0.tif'}: expected 20x30 pixels": ["--truth", folders / "small"],
        f"{folders / 'absent'}: expected a folder": ["--against", folders / "absent"],
    }
    for expected, words in cases.items():
        code, message = run_main(main, folders / "mine", *words)
        assert (code, message.startswith(f"error: {expected}")) == (2, True), message
