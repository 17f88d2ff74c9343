from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_up_scores import sure_of, write_model

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from stage1_optical_da.label_reassignment.evidence import evidence_of, modality_evidence


def score_file(folder: Path, labels: list[int], probability: float, no_data: list[bool] | None = None) -> Path:
    masked = None if no_data is None else np.array([no_data])
    write_model(folder, {"a": sure_of(np.array([labels]), probability)}, masked)
    return folder / "a.tif"


def test_probabilities_are_the_mean_of_the_models_and_classes_count_where_all_agree(tmp_path: Path) -> None:
    one = score_file(tmp_path / "one", [1, 2, 8], 0.9, [False, False, True])
    two = score_file(tmp_path / "two", [1, 3, 8], 0.7)
    found = modality_evidence([one, two], OPEN_EARTH_MAP)
    assert found.unanimous.tolist() == [[1, 0, 8]]
    assert found.no_data.tolist() == [[False, False, True]]
    expected = (sure_of(np.array([[1, 2, 8]]), 0.9) + sure_of(np.array([[1, 3, 8]]), 0.7)) / 2
    np.testing.assert_allclose(found.probabilities, expected, atol=1 / 510)


def test_larger_images_than_a_tile_of_the_file_are_put_together(tmp_path: Path) -> None:
    labels = np.random.default_rng(0).integers(1, 9, (300, 270))
    write_model(tmp_path / "one", {"a": sure_of(labels, 0.9)})
    found = modality_evidence([tmp_path / "one" / "a.tif"], OPEN_EARTH_MAP)
    assert np.array_equal(found.unanimous, labels) and np.array_equal(found.probabilities.argmax(0) + 1, labels)


def test_sar_models_are_one_more_voice_with_a_weight_where_sar_has_data(tmp_path: Path) -> None:
    teacher = score_file(tmp_path / "teacher", [1, 1, 1], 0.9)
    hidden = [False, False, True]
    sar = [score_file(tmp_path / "s", [1, 2, 2], 0.6, hidden), score_file(tmp_path / "t", [1, 1, 2], 0.5, hidden)]
    found = evidence_of([teacher], sar, 0.5, OPEN_EARTH_MAP)
    assert found.unanimous.tolist() == [[1, 0, 1]]  # the mean of the SAR models says 1, 2; it sees nothing of the last
    assert not found.no_data.any()
    np.testing.assert_allclose(
        found.probabilities[0, 0], [(0.9 + 0.5 * 0.55) / 1.5, (0.9 + 0.5 * 0.279) / 1.5, 0.9], atol=4e-3
    )
    alone = evidence_of([], sar, 0.5, OPEN_EARTH_MAP)
    assert alone.unanimous.tolist() == [[1, 0, 2]] and alone.no_data.tolist() == [hidden]
    assert np.array_equal(evidence_of([teacher], [], 0.5, OPEN_EARTH_MAP).probabilities[0, 0] > 0.85, [True] * 3)


def test_sar_scores_of_another_grid_are_told_with_both_files(tmp_path: Path) -> None:
    teacher, sar = score_file(tmp_path / "teacher", [1, 1], 0.9), score_file(tmp_path / "sar", [1], 0.9)
    with pytest.raises(InputError, match=r"sar/a\.tif: expected .* as in .*teacher/a\.tif, found "):
        evidence_of([teacher], [sar], 0.5, OPEN_EARTH_MAP)
