from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ensemble.tile_sums import best_class, open_sums


def test_places_cover_the_image_once(tmp_path: Path, write_file: Callable[..., Path]) -> None:
    path = write_file(tmp_path / "a" / "t.tif", np.zeros((8, 300, 520), np.uint8))
    covered = np.zeros((300, 520), int)
    with open_sums([path], "logits", [1]) as tiles:
        for place in tiles.places():
            covered[place.area] += 1
            assert tiles.labels(place).shape == covered[place.area].shape
    assert (covered == 1).all()


def test_classes_that_cannot_win_anywhere_in_a_tile_are_not_decoded(tmp_path, write_file, decoded) -> None:
    codes = np.zeros((8, 256, 512), np.uint8)
    codes[2], codes[5] = 100, 90
    codes[5, :, 256:] = 101  # wins in the right tile only
    codes[7, 3, 3] = 100  # ties in one pixel of the left tile with a lower class
    codes[1, 0, 300] = 99
    paths = [write_file(tmp_path / name / "t.tif", codes) for name in "ab"]
    with open_sums(paths, "logits", [1, 2]) as tiles:
        left, right = tiles.places()
        np.testing.assert_array_equal(tiles.labels(left), np.full((256, 256), 3))
        # class 3 first, then class 8 that reaches as high; the bound of class 6, 90, is below 100 everywhere
        assert decoded == [(name, plane, 0, 0) for plane in (2, 7) for name in "ab"]
        decoded.clear()
        np.testing.assert_array_equal(tiles.labels(right), np.full((256, 256), 6))
        assert decoded == [(name, 5, 0, 1) for name in "ab"]


def test_what_reaches_over_the_image_does_not_count(tmp_path, write_file, decoded) -> None:
    """Tiles are padded with zeros: the floor that other classes must reach is that of the image."""
    codes = np.zeros((8, 10, 10), np.uint8)
    codes[4], codes[0] = 200, 150
    with open_sums([write_file(tmp_path / "a" / "t.tif", codes)], "logits", [1]) as tiles:
        assert (tiles.labels(next(tiles.places())) == 5).all()
    assert [place[1] for place in decoded] == [4]


@pytest.mark.parametrize("open_files", [0, 1])
def test_members_beyond_the_open_ones_are_read_too(tmp_path, write_file, random_codes, monkeypatch, open_files) -> None:
    monkeypatch.setattr("ensemble.tile_sums.OPEN_FILES", open_files)
    paths = [write_file(tmp_path / str(seed) / "t.tif", random_codes(seed)) for seed in range(3)]
    expected = sum(random_codes(seed).astype(int) for seed in range(3))
    with open_sums(paths, "logits", [1, 1, 1]) as tiles:
        np.testing.assert_array_equal(tiles.sums(next(tiles.places())), expected)


def test_the_best_class_is_the_first_of_the_largest() -> None:
    planes = [np.array([[1, 5, 7]]), np.array([[1, 6, 7]]), np.array([[0, 6, 8]])]
    labels, largest = best_class(planes, [2, 4, 9])
    assert (labels.tolist(), largest.tolist()) == ([[2, 4, 9]], [[1, 6, 8]])
    assert labels.dtype == np.uint8
