from __future__ import annotations

from pathlib import Path

import pytest

from landcover.data_sets.labelled_share import labelled_names
from landcover.errors import InputError

TRAINING = {name: Path(f"{name}.tif") for name in ("a_1", "a_2", "a_3", "b_1")}


def test_the_share_is_of_the_tiles_that_have_manual_labels() -> None:
    assert labelled_names("1", TRAINING, {"b_1", "a_2"}) == ["a_2", "b_1"]
    assert len(labelled_names("1/2", TRAINING, {"b_1", "a_2"})) == 1


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b_1", "found b_1, which has no label file in MANUAL_LABELS; add the file or take the line out"),
        ("v_1.tif", "found v_1, which is of val, no training tile: it is scored or predicted; take the line out"),
    ],
)
def test_a_listed_tile_without_manual_labels_is_refused(tmp_path: Path, line: str, message: str) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"a_1\n{line}\n")
    with pytest.raises(InputError, match=rf"^{path}, line 2: expected the name of a tile that .*, {message}$"):
        labelled_names(str(path), TRAINING, {"a_1"}, elsewhere={"v_1": "val"})
