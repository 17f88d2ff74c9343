from pathlib import Path

import numpy as np
import pytest

from ensemble.score_submission import no_data_left_out, score_submission, submission_table
from ensemble.submission import write_label_png
from landcover.errors import InputError
from landcover.images.raster import write_raster

TRUTH = np.array([[1, 1, 2, 2, 3, 0], [1, 1, 2, 2, 3, 0]], np.uint8)
MAP = np.array([[1, 1, 2, 0, 0, 5], [1, 1, 1, 0, 0, 0]], np.uint8)
"""Against TRUTH: 4 of bareland right, one of rangeland right, one taken for bareland, two void; developed all void."""


@pytest.fixture
def truth(tmp_path: Path) -> dict[str, Path]:
    write_raster(tmp_path / "truth" / "t.tif", TRUTH)
    return {"t": tmp_path / "truth" / "t.tif"}


def score(tmp_path: Path, truth: dict[str, Path], labels: np.ndarray = MAP) -> dict:
    write_label_png(tmp_path / "maps" / "t.png", labels)
    return score_submission(tmp_path / "maps", truth, "manual labels")


def test_no_data_is_a_miss_of_its_class(tmp_path, truth) -> None:
    scores = score(tmp_path, truth)
    assert scores["iou"]["bareland"] == pytest.approx(4 / 5)
    assert scores["iou"]["rangeland"] == pytest.approx(1 / 4)
    assert scores["iou"]["developed"] == 0.0
    assert scores["iou"]["tree"] is None  # predicted only where the truth is unknown
    assert scores["miou"] == pytest.approx((4 / 5 + 1 / 4 + 0) / 3)
    assert scores["missed"] == [0, 2, 2, 0, 0, 0, 0, 0]
    assert (scores["labels"], scores["pixels"]) == ("manual labels", 10)


def test_left_out_it_does_not_count_and_a_class_without_other_pixels_is_absent(tmp_path, truth) -> None:
    scores = score(tmp_path, truth)["no_data_left_out"]
    assert scores["iou"]["bareland"] == pytest.approx(4 / 5)
    assert scores["iou"]["rangeland"] == pytest.approx(1 / 2)
    assert scores["iou"]["developed"] is None
    assert scores["miou"] == pytest.approx((4 / 5 + 1 / 2) / 2)
    assert scores["absent"] == ["developed", "road", "tree", "water", "agriculture", "building"]
    assert (scores["labels"], scores["pixels"]) == ("manual labels", 6)


def test_left_out_equals_scoring_against_a_truth_that_is_unknown_there(tmp_path, truth) -> None:
    rng = np.random.default_rng(0)
    truth_labels, labels = rng.integers(0, 9, (2, 40, 40), dtype=np.uint8)
    write_raster(truth["t"], truth_labels)
    found = score(tmp_path, truth, labels)["no_data_left_out"]
    write_raster(truth["t"], np.where(labels == 0, 0, truth_labels).astype(np.uint8))
    expected = score(tmp_path, truth, labels)
    assert found == {key: expected[key] for key in found}


def test_a_submission_without_a_class_anywhere_has_no_second_score(tmp_path, truth) -> None:
    scores = score(tmp_path, truth, np.zeros_like(MAP))
    assert (scores["miou"], scores["no_data_left_out"]) == (0.0, None)
    assert no_data_left_out(scores) is None
    lines = submission_table(scores).splitlines()
    assert "100.00% of whose pixels are 0" in lines[0]
    assert [line.split()[:3] for line in lines[2:]] == [["they", "count", "as"]]


def test_a_tile_with_truth_but_without_png_is_told(tmp_path, truth) -> None:
    with pytest.raises(InputError, match=r"maps/t.png: expected an image file, found none"):
        score_submission(tmp_path / "maps", truth, "manual labels")


def test_the_table_shows_both_scores(tmp_path, truth) -> None:
    lines = submission_table(score(tmp_path, truth)).splitlines()
    assert lines[0] == "label PNGs against manual labels, 40.00% of whose pixels are 0 (no data)"
    assert lines[1].split()[-9:] == ["mIoU", "barel", "range", "devel", "road", "tree", "water", "agric", "build"]
    assert lines[2].split()[-9:] == ["35.0", "80.0", "25.0", "0.0", "-", "-", "-", "-", "-"]
    assert lines[3].split()[-9:] == ["65.0", "80.0", "50.0", "-", "-", "-", "-", "-", "-"]
    assert len({len(line) for line in lines[1:]}) == 1


def test_one_line_is_enough_where_nothing_is_left_out(tmp_path, truth) -> None:
    told = submission_table(score(tmp_path, truth, TRUTH))
    assert told == "label PNGs against manual labels: mIoU 100.0, no labelled pixel is 0 (no data)"
