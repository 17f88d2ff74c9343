import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from landcover.score_files.score_file import encode
from tools.benchmarks._score_fields import probabilities, true_labels, write_member
from tools.benchmarks.ensemble import copy_inputs, decoded_share, member_files, same_labels, write_inputs


def test_made_up_fields_are_probabilities_that_mostly_know_the_labels() -> None:
    labels = true_labels(1, 128)
    fields = [probabilities(labels, 1, member) for member in (0, 1)]
    for field in fields:
        np.testing.assert_allclose(field.sum(axis=0), 1, atol=1e-5)
        assert 0.5 < (field.argmax(axis=0) + 1 == labels).mean() < 0.9
        assert 0.55 < field.max(axis=0).mean() < 0.85  # of models trained on the demo scenes: 0.58 to 0.80
    assert 0.5 < (fields[0].argmax(axis=0) == fields[1].argmax(axis=0)).mean() < 0.95
    np.testing.assert_array_equal(fields[0], probabilities(true_labels(1, 128), 1, 0))


def test_score_files_of_such_fields_take_at_most_half_of_the_raw_bytes(tmp_path: Path) -> None:
    codes = encode(probabilities(true_labels(0, 512), 0, 0), "logit")
    assert write_member(tmp_path, codes, "t").stat().st_size <= codes.size / 2


def test_all_sides_of_the_benchmark_give_the_same_labels(tmp_path: Path) -> None:
    write_inputs(tmp_path, 2, 64)
    assert [same_labels(tmp_path, tile) for tile in ("0", "1")] == [True, True]
    assert 0 < decoded_share(tmp_path) <= 1
    for path in member_files(tmp_path, "1.npy")[:3]:
        np.save(path, np.load(path)[::-1])
    assert not same_labels(tmp_path, "1")


def test_the_share_of_decoded_tiles_is_that_of_the_classes_that_can_win(tmp_path: Path) -> None:
    codes = np.zeros((8, 256, 512), np.uint8)
    codes[2], codes[5, :, :256] = 200, 201
    for member in range(3):
        write_member(tmp_path / str(member), codes, "t")
    assert decoded_share(tmp_path) == pytest.approx(2 / 16)


def test_a_run_ends_in_a_json_line_of_ratios(run_benchmark: Callable[[str, str], str]) -> None:
    printed = run_benchmark("ensemble", "--tiles 1 --side 64 --repeats 1")
    result = json.loads(printed.splitlines()[-1])
    keys = ["cpu_speedup", "cpu_speedup_lean", "cpu_speedup_accumulated", "memory", "bytes", "decoded"]
    assert list(result) == keys
    assert all(value >= 0 for value in result.values())
    for row in ("plain, lean", "ours", "ours, accumulated"):
        assert f"\n{row} " in printed


def test_given_scores_are_copied_with_their_probabilities(tmp_path: Path) -> None:
    codes = [encode(probabilities(true_labels(0, 64), 0, member), "logit") for member in range(2)]
    for name, own in zip("ab", codes, strict=True):
        write_member(tmp_path / "scores" / name, own, "t")
    copy_inputs(tmp_path / "copy", tmp_path / "scores")
    raw = [np.load(path) for path in member_files(tmp_path / "copy", "t.npy")]
    assert all(np.abs(a.astype(int) - b).max() <= 1 for a, b in zip(raw, codes, strict=True))  # normalised once more
    kept = np.load(tmp_path / "copy" / "probabilities" / "1.npy")
    np.testing.assert_allclose(kept.sum(axis=0), 1, atol=1e-5)
    assert same_labels(tmp_path / "copy", "t")
