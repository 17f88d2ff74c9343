import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.labels.quality import LabelCounts, accuracy, agreement
from landcover.metrics import ConfusionMatrix

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
        assert found["right_classes"][name] == pytest.approx(np.mean(labels[truth == label] == label))
    assert found["kept_classes"]["building"] is None and found["right_classes"]["building"] is None
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
