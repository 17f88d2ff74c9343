from __future__ import annotations

from pathlib import Path

import pytest

from landcover.errors import InputError
from landcover.run_files.digest_cache import keep_digests
from landcover.run_files.manifest import OutputFolder
from landcover.run_files.writable import check_file, check_folder


def test_a_folder_that_can_be_made_is_neither_refused_nor_made(tmp_path: Path) -> None:
    check_folder(tmp_path / "a" / "b", "--out")
    check_file(tmp_path / "a" / "m.tif", "--out")
    assert list(tmp_path.iterdir()) == []


def test_the_folder_may_be_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    check_file(Path("m.tif"), "--out")
    check_folder(Path("runs/a"), "RUN_DIR")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("folder", ["/proc/run", "/proc/a/b", "/proc"])
def test_a_place_where_no_file_can_be_made_is_refused(folder: str) -> None:
    expected = rf"{folder}: expected a folder to write to, found that no file can be made in /proc \(.+\); choose"
    with pytest.raises(InputError, match=f"{expected} another RUN_DIR$"):
        check_folder(Path(folder), "RUN_DIR")


def test_a_file_or_a_broken_link_where_a_folder_is_needed_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to("/nowhere")
    for name in ("file", "link"):
        message = rf"{name}/run: expected a folder to write to, found that .*/{name} is none; choose another --out"
        with pytest.raises(InputError, match=message):
            check_folder(tmp_path / name / "run", "--out")


def test_a_folder_or_an_input_is_no_file_to_write(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    scene.touch()
    (tmp_path / "link.tif").symlink_to(scene)
    for path in (scene, tmp_path / "link.tif"):
        with pytest.raises(InputError, match="expected a file to write, found that it is an input; choose another --o"):
            check_file(path, "--out", [None, tmp_path / "other.tif", scene])
    with pytest.raises(InputError, match="expected a file to write, found a folder; name a file in it as --out"):
        check_file(tmp_path, "--out")


def test_commands_of_a_run_ask_before_they_read_anything(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="/proc/run: expected a folder to write to"):
        keep_digests(Path("/proc/run"))
    (tmp_path / "data_check").touch()
    asked: list[int] = []
    with pytest.raises(InputError, match="data_check: expected a folder to write to"):
        OutputFolder(tmp_path / "data_check", {}, lambda: asked.append(1) or {}).begin()
    assert asked == []
