import hashlib
import json
import os
import time
from pathlib import Path

import pytest

from landcover.run_files import digest_cache
from landcover.run_files.digest_cache import DigestCache, keep_digests
from landcover.run_files.manifest import OutputFolder, digest, digest_all

LONG_AGO = 1_700_000_000_123_456_789
"""Nanoseconds, as modification time."""


def write(path, text, modified=LONG_AGO):
    path.write_text(text)
    os.utime(path, ns=(modified, modified))
    return path


def sha(text):
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def read(monkeypatch):
    """Names of the files that were read to be hashed, in the order of names."""
    names, file_digest = [], hashlib.file_digest

    def recorded(file, kind):
        names.append(Path(file.name).name)
        names.sort()
        return file_digest(file, kind)

    monkeypatch.setattr(digest_cache.hashlib, "file_digest", recorded)
    return names


@pytest.fixture
def files(tmp_path):
    (tmp_path / "data").mkdir()
    return [write(tmp_path / "data" / name, name * 3) for name in ("b", "a")]


def test_what_one_stage_has_read_no_later_one_reads_again(files, tmp_path, read):
    kept = tmp_path / "run" / "digests.json"
    assert DigestCache(kept).digests(files) == [sha("bbb"), sha("aaa")]
    assert read == ["a", "b"]
    written = kept.stat().st_mtime_ns
    assert DigestCache(kept).digests(files[::-1]) == [sha("aaa"), sha("bbb")]
    assert read == ["a", "b"] and kept.stat().st_mtime_ns == written
    inode = files[1].stat().st_ino
    assert json.loads(kept.read_text())[str(files[1])] == f"3 {LONG_AGO} {inode} {sha('aaa')}"


def test_a_relative_path_is_the_same_file(files, tmp_path, read, monkeypatch):
    cache = DigestCache()
    cache.digests(files)
    monkeypatch.chdir(tmp_path)
    assert cache.digests([Path("data/a")]) == [sha("aaa")]
    assert read == ["a", "b"]


def test_a_file_of_another_size_time_or_inode_is_read_again(files, tmp_path, read):
    cache, path = DigestCache(tmp_path / "digests.json"), files[1]
    assert cache.digests([path]) == [sha("aaa")]
    write(path, "aaaa")
    assert cache.digests([path]) == [sha("aaaa")]
    write(path, "cccc", LONG_AGO + 1)
    assert cache.digests([path]) == [sha("cccc")]
    write(tmp_path / "new", "dddd", LONG_AGO + 1).replace(path)
    assert cache.digests([path]) == [sha("dddd")]
    assert len(read) == 4


def test_a_file_with_the_same_size_time_and_inode_is_taken_for_the_same(files, read):
    cache = DigestCache()
    cache.digests(files)
    write(files[1], "zzz")
    assert cache.digests(files) == [sha("bbb"), sha("aaa")]


def test_a_file_that_may_still_change_within_a_tick_of_the_clock_is_read_until_it_has_settled(tmp_path, read):
    cache, now = DigestCache(), time.time_ns()
    path = write(tmp_path / "a", "one", now)
    assert cache.digests([path]) == [sha("one")]
    write(path, "two", now)  # a coarse clock has not moved on
    assert cache.digests([path]) == [sha("two")]
    os.utime(path, ns=(now - 3_000_000_000,) * 2)
    assert [cache.digests([path]), cache.digests([path])] == [[sha("two")]] * 2
    assert read == ["a", "a", "a"]


def test_a_file_that_its_writer_has_finished_need_not_settle(tmp_path, read):
    path = tmp_path / "a"
    path.write_text("1")
    cache = DigestCache()
    assert cache.digests([path], finished=True) == cache.digests([path]) == [sha("1")]
    assert read == ["a"]


def test_a_file_that_changes_while_it_is_read_is_not_kept(files, monkeypatch):
    file_digest = hashlib.file_digest

    def changing(file, kind):
        value = file_digest(file, kind)
        write(Path(file.name), "new", LONG_AGO + 1)
        return value

    cache = DigestCache()
    monkeypatch.setattr(digest_cache.hashlib, "file_digest", changing)
    assert cache.digests(files[:1], finished=True) == [sha("bbb")]
    assert cache.digests(files[:1]) == [sha("new")]


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: "[]",
        lambda text: "\x00" * len(text),
        lambda text: json.dumps(dict.fromkeys(json.loads(text), 3)),
        lambda text: json.dumps({path: entry[:-1] for path, entry in json.loads(text).items()}),
    ],
    ids=["empty", "cut", "list", "zeros", "numbers", "short"],
)
def test_a_damaged_file_is_thrown_away_and_written_anew(files, tmp_path, read, damage):
    kept = tmp_path / "digests.json"
    DigestCache(kept).digests(files)
    whole = kept.read_text()
    kept.write_text(damage(whole))
    assert DigestCache(kept).digests(files) == [sha("bbb"), sha("aaa")]
    assert read == ["a", "a", "b", "b"] and kept.read_text() == whole


def test_stages_that_run_at_the_same_time_add_to_one_file(files, tmp_path, read):
    first, second = (DigestCache(tmp_path / "digests.json") for _ in range(2))
    first.digests(files[:1])
    second.digests(files[1:])
    assert DigestCache(tmp_path / "digests.json").digests(files) == [sha("bbb"), sha("aaa")]
    assert read == ["a", "b"]


def test_what_a_stage_writes_the_next_one_need_not_read(files, tmp_path, read):
    keep_digests(tmp_path / "run")
    output = OutputFolder(tmp_path / "run" / "labels", {"stage": "labels"}, {"images": digest_all(files)})
    output.begin()
    (output.folder / "t.tif").write_text("1")
    output.finish([output.folder / "t.tif"])
    assert read == ["a", "b", "manifest.json", "t.tif"]
    keep_digests(tmp_path / "run")  # as another process does
    assert digest_all(files) == output.inputs["images"]
    assert digest(output.folder / "t.tif") == sha("1")
    assert digest(output.manifest) == hashlib.sha256(output.manifest.read_bytes()).hexdigest()
    assert read == ["a", "b", "manifest.json", "t.tif"]


def test_digests_that_nobody_keeps_are_those_of_this_process(files, tmp_path, read):
    keep_digests(None)
    assert digest_all(files) == digest_all(files)
    assert read == ["a", "b"] and [path.name for path in tmp_path.iterdir()] == ["data"]
