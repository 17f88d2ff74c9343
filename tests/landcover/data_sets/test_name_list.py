from __future__ import annotations

from pathlib import Path

import pytest

from landcover.data_sets.name_list import listed_names, tile_name
from landcover.errors import InputError


def test_every_line_has_a_place_and_empty_ones_none(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_bytes(b"\xef\xbb\xbfa_1.tif\r\n\r\n  b_2 \n")
    assert listed_names(path) == [(f"{path}, line 1", "a_1.tif"), (f"{path}, line 3", "b_2")]


def test_tiles_are_listed_with_or_without_the_suffix_of_their_image() -> None:
    assert [tile_name(name) for name in ("a_1.tif", "a_1.TIFF", "a_1", "a_1.png")] == ["a_1", "a_1", "a_1", "a_1.png"]


def test_a_list_in_another_encoding_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text("a_1\n", encoding="utf-16")
    with pytest.raises(InputError, match="expected file names in UTF-8, found UTF-16, as"):
        listed_names(path)
