"""Pixels without data in score files."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from ensemble.no_data import scored_no_data

CODES = np.full((2, 2, 3), 200, np.uint8)
LEFT = np.array([[True, False, False]] * 2)
TOP = np.array([[True, True, True], [False, False, False]])


def test_one_member_without_data_is_enough(tmp_path: Path, write_file: Callable[..., Path]) -> None:
    paths = [
        write_file(tmp_path / name / "t.tif", CODES, no_data=mask)
        for name, mask in (("left", LEFT), ("top", TOP), ("all_data", np.zeros((2, 3), bool)))
    ]
    found = scored_no_data(paths)
    assert found is not None
    np.testing.assert_array_equal(found, [[True, True, True], [True, False, False]])


def test_files_of_an_earlier_release_do_not_know(tmp_path: Path, write_file: Callable[..., Path]) -> None:
    paths = [write_file(tmp_path / "new" / "t.tif", CODES, no_data=LEFT), write_file(tmp_path / "old" / "t.tif", CODES)]
    assert scored_no_data(paths) is None
