import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from landcover.classes import OPEN_EARTH_MAP
from landcover.classes.counts import label_counts
from landcover.classes.scheme_file import find_scheme
from landcover.data_sets import class_statistics
from landcover.data_sets.class_statistics import class_counts, shifted_labels_warning, warn_of_shifted_labels
from landcover.errors import InputError
from landcover.images.label_file import read_labels, write_labels
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

    def counting(path, scheme, area=None):
        names.append(path.name)
        return read(path, scheme, area)

    monkeypatch.setattr(class_statistics, "read_labels", counting)
    return names


def brute_force(files):
    labels = [class_statistics.read_labels(path, OPEN_EARTH_MAP) for path in files]
    return [[sum(int(value) == label for value in image.flat) for label in range(1, 9)] for image in labels]


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


def test_other_label_values_are_counted_anew(files, tmp_path):
    cache, swapped = tmp_path / "class_statistics.json", find_scheme("openearthmap", "1:2 2:1")
    first = class_counts(files, cache)
    again = class_counts(files, cache, swapped)
    np.testing.assert_array_equal(again, first[:, [1, 0, *range(2, 8)]])
    np.testing.assert_array_equal(class_counts(files, cache, swapped), again)
    np.testing.assert_array_equal(class_counts(files, cache), first)


def test_labels_that_may_count_from_0_are_told_with_the_word_that_reads_them(tmp_path, capsys):
    zero_based = (np.arange(80).reshape(8, 10) % 8).astype(np.uint8)
    counts = label_counts(zero_based, OPEN_EARTH_MAP)
    line = shifted_labels_warning(counts, OPEN_EARTH_MAP, "here")
    assert line == (
        "here: no pixel is building (8), and 12.5% are 0, unknown; if the classes are counted from 0 in these files, "
        'LABEL_VALUES="+1" reads them'
    )
    write_raster(tmp_path / "0.tif", zero_based)
    read = class_statistics.read_labels(tmp_path / "0.tif", find_scheme("openearthmap", "+1"))
    np.testing.assert_array_equal(read, zero_based + 1)
    with_pair = find_scheme("openearthmap", "255:0")
    assert 'LABEL_VALUES="255:0 +1"' in shifted_labels_warning(counts, with_pair, "here")
    for scheme in (find_scheme("openearthmap", "+1"), find_scheme("whu_opt_sar"), find_scheme("isprs")):
        assert shifted_labels_warning(counts[: scheme.num_classes + 1], scheme, "here") is None
    for fine in ([0, *[1] * 7, 0], [1, *[1] * 8], [1, *[500] * 7, 0], [9, *[0] * 8]):
        assert shifted_labels_warning(np.array(fine), OPEN_EARTH_MAP, "here") is None


def test_a_class_that_files_declare_to_be_no_data_is_missed_and_the_command_brings_it_back(tmp_path):
    scheme, zero_based = find_scheme("openearthmap", "+1"), np.arange(8, dtype=np.uint8)[None]
    path = tmp_path / "0.tif"
    write_raster(path, zero_based, no_data=0)
    line = shifted_labels_warning(label_counts(read_labels(path, scheme), scheme), scheme, "here")
    assert line.startswith("here: no pixel is bareland, 0 in these files, 12.5% are unknown; if files declare 0 to be")
    words = line.partition("take it out: ")[2].replace("FILE", str(path)).split()
    subprocess.run([Path(sys.executable).with_name("rio"), *words[1:]], check=True, capture_output=True)
    np.testing.assert_array_equal(read_labels(path, scheme), zero_based + 1)
    assert shifted_labels_warning(label_counts(zero_based + 1, scheme), scheme, "here") is None


def test_a_few_files_are_looked_at_before_a_training_but_not_our_own(tmp_path, decoded, capsys):
    paths = [tmp_path / f"{number:03d}.tif" for number in range(100)]
    for path in paths:
        write_raster(path, np.array([[0, 1]], np.uint8))
    warn_of_shifted_labels(paths, OPEN_EARTH_MAP, "labels")
    assert capsys.readouterr().out.startswith("warning: labels (25 looked at): no pixel is building (8), and 50.0% are")
    assert sorted(decoded) == [f"{number:03d}.tif" for number in range(0, 100, 4)]
    for path in paths:
        write_labels(path, np.array([[0, 1]], np.uint8), OPEN_EARTH_MAP)
    warn_of_shifted_labels(paths, OPEN_EARTH_MAP, "labels")
    assert capsys.readouterr().out == ""
