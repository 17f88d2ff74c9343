import json

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets import class_statistics
from landcover.data_sets.class_statistics import class_counts, label_counts
from landcover.errors import InputError
from landcover.images.raster import write_raster


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / "labels" / f"{number}.tif" for number in range(5)]
    for number, path in enumerate(paths):
        write_raster(path, rng.integers(0, 9 - number, (20 + number, 30), dtype=np.uint8))
    return paths


@pytest.fixture
def decoded(monkeypatch):
    """Names of the label files that were decoded."""
    names, read = [], class_statistics.read_labels

    def counting(path, scheme):
        names.append(path.name)
        return read(path, scheme)

    monkeypatch.setattr(class_statistics, "read_labels", counting)
    return names


def brute_force(files):
    labels = [class_statistics.read_labels(path, OPEN_EARTH_MAP) for path in files]
    return [[sum(int(value) == label for value in image.flat) for label in range(1, 9)] for image in labels]


def test_every_label_is_counted_void_first():
    labels = np.array([[0, 0, 3], [8, 3, 3]], np.uint8)
    assert label_counts(labels, OPEN_EARTH_MAP).tolist() == [2, 0, 0, 3, 0, 0, 0, 0, 1]


def test_counts_are_those_of_every_file_without_void(files):
    counts = class_counts(files)
    assert (counts.shape, counts.dtype) == ((5, 8), np.int64)
    assert counts.tolist() == brute_force(files)


def test_kept_counts_are_used_and_no_label_is_decoded_again(files, tmp_path, decoded):
    cache = tmp_path / "run" / "class_statistics.json"
    first = class_counts(files, cache)
    assert sorted(decoded) == [path.name for path in files]
    written = cache.stat().st_mtime_ns
    again = class_counts(files, cache)
    assert len(decoded) == 5 and cache.stat().st_mtime_ns == written
    np.testing.assert_array_equal(again, first)
    assert (again.dtype, again.shape) == (np.int64, (5, 8))
    assert [path.name for path in cache.parent.iterdir()] == [cache.name]


def test_a_changed_file_and_another_order_are_counted_anew(files, tmp_path, decoded):
    cache = tmp_path / "class_statistics.json"
    class_counts(files, cache)
    write_raster(files[2], np.full((7, 7), 8, np.uint8))
    assert class_counts(files, cache)[2].tolist() == [0] * 7 + [49]
    assert len(decoded) == 10
    assert class_counts(files[::-1], cache)[2].tolist() == [0] * 7 + [49]
    assert class_counts(files[:3], cache).shape == (3, 8)
    assert len(decoded) == 18
    assert json.loads(cache.read_text())["counts"] == class_counts(files[:3]).tolist()


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[1, 2]",
        lambda text: json.dumps({**json.loads(text), "counts": json.loads(text)["counts"][1:]}),
        lambda text: json.dumps({**json.loads(text), "counts": [[0.5] * 8] * 5}),
        lambda text: json.dumps({**json.loads(text), "counts": [[-1] * 8] * 5}),
        lambda text: json.dumps({**json.loads(text), "counts": [[1] * 8] * 4 + [[1]]}),
        lambda text: json.dumps({**json.loads(text), "scheme": "other"}),
    ],
    ids=["cut", "empty", "list", "row missing", "fractions", "negative", "ragged", "scheme"],
)
def test_a_damaged_file_is_written_anew(files, tmp_path, damage):
    cache = tmp_path / "class_statistics.json"
    counts = class_counts(files, cache)
    whole = cache.read_text()
    cache.write_text(damage(whole))
    np.testing.assert_array_equal(class_counts(files, cache), counts)
    assert cache.read_text() == whole


@pytest.mark.parametrize("kept", [True, False])
def test_only_the_first_process_reads_and_it_tells_the_others(files, tmp_path, monkeypatch, decoded, kept):
    cache, told = tmp_path / "class_statistics.json" if kept else None, []
    monkeypatch.setattr(class_statistics, "broadcast_object_list", told.extend)
    first = class_counts(files, cache)
    assert len(decoded) == 5

    def hear(counts):
        assert counts == [None]
        counts[:] = told

    monkeypatch.setattr(class_statistics, "is_main_process", lambda: False)
    monkeypatch.setattr(class_statistics, "broadcast_object_list", hear)
    monkeypatch.setattr(class_statistics, "digest_all", None)  # would be called to find the file that keeps them
    np.testing.assert_array_equal(class_counts(files, cache), first)
    assert len(decoded) == 5


def test_a_file_of_another_scheme_is_refused_and_nothing_is_kept(files, tmp_path):
    write_raster(files[1], np.full((4, 4), 9, np.uint8))
    with pytest.raises(InputError, match=r"1\.tif: expected label values 0\.\.8 .*found 9"):
        class_counts(files, tmp_path / "class_statistics.json")
    assert not (tmp_path / "class_statistics.json").exists()
