from collections.abc import Callable
from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.prediction.scene_list import Share, listed_scenes


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("scenes/b.tif", "scenes/a.TIFF", "scenes/.hidden.tif", "scenes/notes.csv", "other/c.img"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    return tmp_path


def test_scenes_of_folders_lists_and_single_files_come_by_name(folder: Path) -> None:
    absolute = folder / "elsewhere" / "absent.tif"
    listing = folder / "other" / "list.txt"
    listing.write_text(f"\ufeffc.img\r\n\n  ../scenes/b.tif \n{absolute}\n", encoding="utf-8")
    found = listed_scenes([str(folder / "scenes"), str(folder / "other" / "c.img")])
    assert found == {"a": folder / "scenes/a.TIFF", "b": folder / "scenes/b.tif", "c": folder / "other/c.img"}
    assert list(found) == ["a", "b", "c"]
    found = listed_scenes([str(listing)])
    assert found == {"absent": absolute, "b": folder / "other/../scenes/b.tif", "c": folder / "other/c.img"}
    assert listed_scenes([str(folder / "other/c.img")] * 2) == {"c": folder / "other/c.img"}


def test_shares_hold_every_scene_once(folder: Path) -> None:
    listing = folder / "list.txt"
    listing.write_text("".join(f"{letter}.tif\n" for letter in "gfedcba"))
    shares = [list(listed_scenes([str(listing)], Share.of(f"{number}/3"))) for number in (1, 2, 3)]
    assert shares == [["a", "d", "g"], ["b", "e"], ["c", "f"]]
    assert listed_scenes([str(listing)], Share(8, 8)) == {}


def same_name(folder: Path) -> str:
    (folder / "list.txt").write_text("scenes/b.tif\nother/b.img\n")
    return str(folder / "list.txt")


def empty_list(folder: Path) -> str:
    (folder / "list.txt").write_text("\n \n")
    return str(folder / "list.txt")


def no_text(folder: Path) -> str:
    (folder / "list.txt").write_bytes(b"II*\xff\xfe")
    return str(folder / "list.txt")


def an_address(folder: Path) -> str:
    (folder / "list.txt").write_text("https://example.org/a.tif\n")
    return str(folder / "list.txt")


@pytest.mark.parametrize(
    ("word", "message"),
    [
        (same_name, r"--scenes: expected one scene per name, found .*b\.tif and .*b\.img, whose maps would be one"),
        (empty_list, r"list\.txt: expected a scene in every line, found none; write"),
        (no_text, r"list\.txt: expected a list of scenes in UTF-8, found other bytes; "),
        (an_address, r"list\.txt: https://example.org/a.tif: expected a path on this machine, found an address"),
        (lambda folder: str(folder / "absent.txt"), r"absent\.txt: expected a list of scenes, found no such file"),
        (
            lambda folder: str(folder / "other"),
            r"other: expected scenes \(\.tif or \.tiff\), found files of other kinds",
        ),
    ],
)
def test_lists_without_scenes_are_refused(folder: Path, word: Callable[[Path], str], message: str) -> None:
    with pytest.raises(InputError, match=message) as told:
        listed_scenes([word(folder)])
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["0/3", "4/3", "3", "1/0", "-1/2", "a/b", ""])
def test_a_share_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"--share: expected NUMBER/COUNT with 1 <= NUMBER <= COUNT, found "):
        Share.of(text)
