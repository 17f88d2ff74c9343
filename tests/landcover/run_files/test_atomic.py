import errno
import json
import os
from contextlib import nullcontext

import pytest

from landcover.run_files.atomic import atomic_path, write_json, write_text


def test_a_file_appears_under_its_name_when_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "a.tif"
    with atomic_path(target) as temporary:
        assert temporary.parent == target.parent and temporary.suffix == ".tif" and temporary.name.startswith(".")
        temporary.write_text("half")
        assert not target.exists()
    assert target.read_text() == "half"
    assert [path.name for path in target.parent.iterdir()] == ["a.tif"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(RuntimeError, match="power cut"):
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("new")
            raise RuntimeError("power cut")
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_an_error_before_anything_is_written_shows_itself(tmp_path):
    with pytest.raises(KeyError, match="mine"):
        with atomic_path(tmp_path / "a.txt"):
            raise KeyError("mine")
    assert list(tmp_path.iterdir()) == []


def test_content_is_on_the_disk_before_the_name_and_the_name_at_the_end(tmp_path, disk_events):
    with atomic_path(tmp_path / "deep" / "a.txt") as temporary:
        temporary.write_text("1")
        assert disk_events == []
    assert disk_events == [("content", "a.txt"), ("name", "a.txt"), ("names in", "deep")]


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_can_not_be_synced_is_no_error_but_a_failing_disk_is(tmp_path, monkeypatch, number, told):
    def fail(descriptor):
        raise OSError(number, "from the system")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="from the system") if told else nullcontext():
        write_text(tmp_path / "a.txt", "1")
    assert (tmp_path / "a.txt").exists() is not told
    assert [path.name for path in tmp_path.iterdir()] == ([] if told else ["a.txt"])


def test_text_and_json_are_written_in_utf8_with_keys_in_order(tmp_path):
    write_text(tmp_path / "a.txt", "Zürich\n")
    assert (tmp_path / "a.txt").read_bytes() == b"Z\xc3\xbcrich\n"
    write_json(tmp_path / "a.json", {"b": 1, "a": [None, 0.5]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"b": 1, "a": [None, 0.5]}
    assert (tmp_path / "a.json").read_text().startswith('{\n  "b": 1,\n  "a": [')


def test_json_without_a_meaning_is_refused(tmp_path):
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"miou": float("nan")})
    assert list(tmp_path.iterdir()) == []
