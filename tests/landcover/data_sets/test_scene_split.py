from __future__ import annotations

from pathlib import Path

import pytest

from landcover.data_sets.scene_split import split_scenes
from landcover.errors import InputError

SCENES = {f"{sheet}_{n}": Path(f"{sheet}_{n}.tif") for sheet in ("NH49", "NH50") for n in range(5)}


def test_whole_scenes_are_drawn_by_the_seed() -> None:
    splits = [split_scenes(SCENES, "0.2", "0.25", seed) for seed in (0, 0, 1)]
    assert list(splits[0]) == list(SCENES)
    assert sorted(splits[0].values()) == ["test"] * 2 + ["train"] * 6 + ["val"] * 2
    assert splits[0] == splits[1] != splits[2]


def test_lists_say_which_scenes_test_and_validate(tmp_path: Path) -> None:
    first, second, *others = SCENES
    for name, scene in (("test.txt", first), ("val.txt", second)):
        (tmp_path / name).write_text(f"{scene}.tif\n")
    found = split_scenes(SCENES, str(tmp_path / "test.txt"), str(tmp_path / "val.txt"))
    assert found == {first: "test", second: "val", **dict.fromkeys(others, "train")}
    with pytest.raises(InputError, match=rf"line 1: .* found {first}, which is a test scene; take it out of one"):
        split_scenes(SCENES, str(tmp_path / "test.txt"), str(tmp_path / "test.txt"))


def test_the_published_test_scenes_are_asked_for_by_name() -> None:
    first, *others = SCENES
    found = split_scenes(SCENES, "published", "", published_test=(first, "not_there"))
    assert found == {first: "test", **dict.fromkeys(others, "train")}
    with pytest.raises(InputError, match=r"^--test published: expected scenes of the layout's published_test, found"):
        split_scenes(SCENES, "published", "", published_test=("not_there",))


@pytest.mark.parametrize("val", ["", "0.5"])
def test_no_scene_left_for_training_is_refused(val: str) -> None:
    with pytest.raises(InputError, match=r"^--test, --val: expected to leave some of 10 scenes for training, found"):
        split_scenes(SCENES, "1", val)
