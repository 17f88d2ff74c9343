import json
from collections.abc import Callable
from pathlib import Path

from landcover.score_files.score_file import ScoreHeader, encode
from tools.benchmarks._score_fields import probabilities, true_labels
from tools.benchmarks.score_files import STORAGES, measure


def test_the_storage_in_use_is_one_of_those_measured(run_benchmark: Callable[[str, str], str]) -> None:
    printed = run_benchmark("score_files", "--side 96 --repeats 1")
    assert printed.count("(in use)") == 1
    result = json.loads(printed.splitlines()[-1])
    assert list(result) == ["size", "write_speedup", "read_speedup"]
    assert result["size"] < 0.6


def test_every_storage_is_written_with_its_own_settings(tmp_path: Path) -> None:
    codes = encode(probabilities(true_labels(0, 256), 0, 0), "logit")
    header = ScoreHeader("m", "openearthmap", "logit", 10.0, 256, 256, 8)
    rows = measure([(header, codes)], tmp_path, 1)
    assert list(rows) == list(STORAGES)
    assert len({round(size, 4) for size, _, _ in rows.values()}) == len(STORAGES)
    assert rows["deflate 6, predictor"][0] < rows["deflate 1, predictor"][0] < rows["deflate 1"][0]
