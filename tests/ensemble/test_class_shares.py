import json
from pathlib import Path

import numpy as np
import pytest

from ensemble.class_shares import ClassShares, folder_shares, share_lines, shares_of
from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.raster import write_raster

COUNTS = np.array([10, 0, 6, 0, 0, 3, 0, 0, 1])


def shares(void: float = 0.0, **classes: float) -> ClassShares:
    return ClassShares(void, np.array([classes.get(name, 0.0) for name in OPEN_EARTH_MAP.classes]))


def test_classes_share_the_pixels_that_have_one() -> None:
    found = shares_of(COUNTS)
    assert found.void == 0.5
    assert found.classes.tolist() == [0, 0.6, 0, 0, 0.3, 0, 0, 0.1]


def test_maps_without_any_class_and_without_any_pixel_have_shares_of_zero() -> None:
    assert shares_of(np.array([4, *[0] * 8])).classes.tolist() == [0.0] * 8
    assert shares_of(np.zeros(9, np.int64)).void == 0.0


def write_labels(folder: Path) -> Path:
    labels = np.repeat(np.arange(9, dtype=np.uint8), COUNTS).reshape(4, 5)
    write_raster(folder / "a.tif", labels[:1])
    write_raster(folder / "b.tif", labels[1:])
    return folder


def test_label_files_are_counted(tmp_path: Path) -> None:
    found, expected = folder_shares(write_labels(tmp_path / "labels"), OPEN_EARTH_MAP), shares_of(COUNTS)
    assert found.void == expected.void
    assert found.classes.tolist() == expected.classes.tolist()


def test_a_quality_file_saves_counting_and_tells_the_same(tmp_path: Path) -> None:
    folder, expected = tmp_path / "pseudo_labels", shares_of(COUNTS)
    folder.mkdir()
    names = dict(zip(OPEN_EARTH_MAP.classes, (COUNTS[1:] / 20).tolist(), strict=True))
    (folder / "quality.json").write_text(json.dumps({"unknown": 0.5, "shares": names}))
    found = folder_shares(folder, OPEN_EARTH_MAP)
    assert found.void == expected.void
    assert found.classes == pytest.approx(expected.classes)


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"unknown": 0.5, "shares": {"road": 1.0}}'])
def test_a_damaged_quality_file_is_told(tmp_path: Path, content: str) -> None:
    (tmp_path / "quality.json").write_text(content)
    with pytest.raises(InputError, match=r"quality.json: expected the quality of label files"):
        folder_shares(tmp_path, OPEN_EARTH_MAP)


def test_a_folder_that_is_missing_or_has_no_labels_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="nowhere: expected a folder of label files, found none"):
        folder_shares(tmp_path / "nowhere", OPEN_EARTH_MAP)
    with pytest.raises(InputError, match=r"expected label files <tile>.tif or .png, found none"):
        folder_shares(tmp_path, OPEN_EARTH_MAP)


def test_shares_stand_side_by_side() -> None:
    lines = share_lines(shares(0.25, water=0.75, road=0.25), shares(0.0, water=0.5, road=0.5), OPEN_EARTH_MAP)
    assert len(lines) == 10
    assert lines[0].split() == ["class", "shares", "submission", "training", "labels"]
    assert lines[1].split() == ["no", "data", "25.00%", "0.00%"]
    assert lines[4].split() == ["developed", "0.00%", "0.00%"]
    assert lines[7].split() == ["water", "75.00%", "50.00%"]
    assert len({len(line) for line in lines}) == 1


def test_without_training_labels_there_is_one_column_and_no_warning() -> None:
    lines = share_lines(shares(water=1.0), None, OPEN_EARTH_MAP)
    assert [line.split() for line in lines[:1]] == [["class", "shares", "submission"]]
    assert lines[7].split() == ["water", "100.00%"]
    assert len(lines) == 10


def test_classes_that_vanished_or_fell_below_a_tenth_are_told() -> None:
    submitted = shares(rangeland=0.0099, tree=0.0101, water=0.9, building=0.08)
    training = shares(bareland=0.02, rangeland=0.1, tree=0.1, water=0.78)
    lines = share_lines(submitted, training, OPEN_EARTH_MAP)[10:]
    assert len(lines) == 2
    assert lines[0].startswith("warning: bareland is 0.00% of the submission, but 2.00% of the training labels")
    assert "it has vanished" in lines[0]
    assert lines[1].startswith("warning: rangeland is 0.99% of the submission, but 10.00% of the training labels")
    assert "less than a tenth" in lines[1]
