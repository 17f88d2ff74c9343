from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ensemble.scoring import score_ensemble, score_labels, score_members
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError


def write_png(path: Path, labels: list[list[int]]) -> Path:
    path.parent.mkdir(exist_ok=True, parents=True)
    Image.fromarray(np.array(labels, np.uint8)).save(path)
    return path


def one_hot(labels: list[list[int]]) -> np.ndarray:
    """Codes of a model that is sure of `labels`."""
    codes = np.zeros((8, len(labels), len(labels[0])), np.uint8)
    for (row, column), label in np.ndenumerate(np.array(labels)):
        codes[label - 1, row, column] = 255
    return codes


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, Path]:
    return {
        "s": write_png(tmp_path / "truth" / "s.png", [[1, 1, 0]]),
        "t": write_png(tmp_path / "truth" / "t.png", [[2, 2], [6, 6]]),
    }


PREDICTED = {"s": [[1, 2, 2]], "t": [[2, 2], [6, 0]], "u": [[1]]}


def test_label_maps_are_scored_over_all_tiles_with_truth(tmp_path, truth) -> None:
    predicted = {name: write_png(tmp_path / "maps" / f"{name}.png", labels) for name, labels in PREDICTED.items()}
    summary = score_labels(predicted, truth, OPEN_EARTH_MAP, "manual labels")
    assert summary["labels"] == "manual labels"
    assert summary["pixels"] == 6
    assert summary["iou"]["bareland"] == pytest.approx(1 / 2)
    assert summary["iou"]["rangeland"] == pytest.approx(2 / 3)
    assert summary["iou"]["water"] == pytest.approx(1 / 2)
    assert summary["iou"]["road"] is None
    assert summary["miou"] == pytest.approx((1 / 2 + 2 / 3 + 1 / 2) / 3)
    expected = np.zeros((8, 8), int)
    expected[0, 0], expected[0, 1], expected[1, 1], expected[5, 5] = 1, 1, 2, 1
    assert summary["confusion"] == expected.tolist()
    assert summary["missed"] == [0, 0, 0, 0, 0, 1, 0, 0]


def test_members_and_their_average_are_scored_from_score_files(truth, write_member) -> None:
    right = {"s": one_hot([[1, 1, 1]]), "t": one_hot([[2, 2], [6, 6]]), "extra": one_hot([[3]])}
    wrong = {"s": one_hot([[8, 8, 8]]), "t": one_hot([[8, 8], [8, 8]])}
    members = [write_member("right", right, weight=2.0), write_member("wrong", wrong, encoding="probability")]
    scores = score_members(members, truth, OPEN_EARTH_MAP, "manual")
    assert list(scores) == ["right", "wrong"]
    assert scores["right"]["miou"] == 1.0
    assert scores["wrong"]["miou"] == 0.0
    for average in ("logits", "probabilities"):
        assert score_ensemble(members, truth, average, OPEN_EARTH_MAP, "manual") == scores["right"]


def test_a_labelled_tile_without_prediction_is_refused(tmp_path, truth, write_member) -> None:
    with pytest.raises(InputError, match="each of 2 labelled tiles, 1 missing: t;"):
        score_labels({"s": write_png(tmp_path / "s.png", [[1, 1, 1]])}, truth, OPEN_EARTH_MAP, "manual")
    member = write_member("b5", {"t": one_hot([[2, 2], [6, 6]])})
    with pytest.raises(InputError, match=r"scores/b5: expected a prediction .* 1 missing: s;"):
        score_members([member], truth, OPEN_EARTH_MAP, "manual")


def test_no_truth_is_refused(write_member) -> None:
    with pytest.raises(InputError, match="expected manual labels to score against, found none"):
        score_labels({}, {}, OPEN_EARTH_MAP, "manual")
    with pytest.raises(InputError, match="expected manual labels to score against, found none"):
        score_members([write_member("b5", {"t": one_hot([[1]])})], {}, OPEN_EARTH_MAP, "manual")


def test_another_size_than_the_truth_is_refused(tmp_path, truth) -> None:
    predicted = {name: write_png(tmp_path / f"{name}.png", [[1, 1]]) for name in truth}
    with pytest.raises(InputError, match=r"s.png: expected 1x3 pixels as .*truth/s.png, found 1x2"):
        score_labels(predicted, truth, OPEN_EARTH_MAP, "manual")


def test_class_weights_change_the_scores(truth, write_member) -> None:
    """Road and bareland are equally likely everywhere; the weight decides."""
    both = {tile: np.maximum(one_hot([[1] * 3] if tile == "s" else [[1] * 2] * 2), 0) for tile in truth}
    for codes in both.values():
        codes[3] = 255
    members = [write_member("a", both)]
    equal = score_ensemble(members, truth, "logits", OPEN_EARTH_MAP, "manual")
    road = score_ensemble(members, truth, "logits", OPEN_EARTH_MAP, "manual", {"road": 1.5})
    assert (equal["iou"]["bareland"], equal["iou"]["road"]) == (2 / 6, None)
    assert (road["iou"]["bareland"], road["iou"]["road"]) == (0, 0)
