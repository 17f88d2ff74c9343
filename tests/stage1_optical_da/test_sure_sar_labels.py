from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.classes import OPEN_EARTH_MAP
from landcover.data_sets.dfc2025 import SarTile
from landcover.errors import InputError
from landcover.images.raster import read_raster, write_raster
from landcover.labels.label_filter import FilterMaterial, build_filter
from landcover.processes.group import Processes
from landcover.run_files.manifest import FINISHED, digest, read_manifest
from landcover.score_files.score_file import ScoreHeader, encode, write_scores
from stage1_optical_da.reassign_labels import main
from stage1_optical_da.sure_sar_labels import SureSarLabels

RunMain = Callable[..., tuple[int, str]]
LABELS = np.array([[1, 1, 0, 4, 2]], np.uint8)


def write_member(folder: Path, tile: str, best: list[tuple[int, float]], no_data: list[bool] | None = None) -> None:
    """Scores of a row of pixels: class and its probability for each, the rest shared out among the others."""
    probabilities = np.stack([np.full(8, (1 - p) / 7, np.float32) for _, p in best], axis=1)[:, None]
    for column, (label, p) in enumerate(best):
        probabilities[label - 1, 0, column] = p
    header = ScoreHeader(folder.name, OPEN_EARTH_MAP.name, "logit", 10.0, 1, len(best), 8)
    masked = None if no_data is None else np.array([no_data])
    write_scores(folder / f"{tile}.tif", encode(probabilities, "logit"), header, no_data=masked)
    (folder / FINISHED).write_text("{}")


@pytest.fixture
def scores(tmp_path: Path) -> Path:
    """Two models: sure of 3; sure of 3 and of 5; sure of 6 both; one sure alone; sure where one sees no data."""
    root = tmp_path / "scores"
    write_member(root / "one", "a", [(3, 0.97), (3, 0.97), (6, 0.95), (7, 0.99), (8, 0.99)], [False] * 4 + [True])
    write_member(root / "two", "a", [(3, 0.95), (5, 0.97), (6, 0.93), (7, 0.6), (8, 0.99)])
    return root


def material(scores: Path | None, *tiles: str) -> FilterMaterial:
    listed = [SarTile(name, Path(name), Path(name), None) for name in tiles]
    return FilterMaterial(listed, {}, 0, Processes(0, 1, torch.device("cpu")), OPEN_EARTH_MAP, scores)


def test_the_mean_of_the_models_replaces_labels_where_it_is_sure(scores: Path) -> None:
    before = LABELS.copy()
    changes = build_filter("sure_sar", material(scores, "a"), "REASSIGN")
    found = changes.apply("a", LABELS)
    assert found.dtype == np.uint8 and found.tolist() == [[3, 1, 6, 4, 2]]
    assert np.array_equal(LABELS, before)
    assert SureSarLabels(material(scores, "a"), threshold=0.75).apply("a", LABELS).tolist() == [[3, 1, 6, 7, 2]]
    assert dict(changes.settings()) == {"threshold": 0.9}
    names = ("one", "two")
    assert changes.inputs() == {f"scores of {name}": digest(scores / name / FINISHED) for name in names}


def test_scores_that_are_missing_or_of_another_size_are_refused(scores: Path) -> None:
    with pytest.raises(
        InputError, match=r"^SAR_SCORES: expected a folder .* found none; run 'python -m stage2_sar_seg"
    ):
        SureSarLabels(material(None, "a"))
    with pytest.raises(InputError, match=r"one/b\.tif: expected scores of every training tile, found none"):
        SureSarLabels(material(scores, "a", "b"))
    with pytest.raises(InputError, match=r"one/a\.tif: expected scores of \(5, 1\) pixels, found \(1, 5\)"):
        SureSarLabels(material(scores, "a")).apply("a", LABELS.T)
    with pytest.raises(InputError, match=r"^REASSIGN_OPTIONS threshold=2: expected a number from 0 to 1, found 2"):
        build_filter("sure_sar", material(scores, "a"), "REASSIGN", threshold=2)
    (scores / "two" / FINISHED).unlink()
    with pytest.raises(InputError, match=r"two/manifest\.json: expected the manifest of a finished stage, found none"):
        SureSarLabels(material(scores, "a"))


def test_the_command_writes_corrected_labels(run_main: RunMain, demo_root: Path, tmp_path: Path) -> None:
    root, run_dir = demo_root / "DFC2025Track1", tmp_path / "run"
    names = sorted(path.stem for path in (root / "train" / "rgb_images").iterdir())
    for name in names:
        write_raster(tmp_path / "labels" / f"{name}.tif", np.full((64, 64), 5, np.uint8))
        probabilities = np.full((8, 64, 64), 0.01, np.float32)
        probabilities[1, :, :20] = 0.93
        header = ScoreHeader("one", OPEN_EARTH_MAP.name, "probability", 10.0, 64, 64, 8)
        write_scores(tmp_path / "sar" / "one" / f"{name}.tif", encode(probabilities, "probability"), header)
    (tmp_path / "sar" / "one" / FINISHED).write_text("{}")
    words = ["--method", "sure_sar", "--labels", tmp_path / "labels", "--dfc-root", root, "--run-dir", run_dir]
    code, message = run_main(main, *words)
    assert code == 2 and message.startswith("error: SAR_SCORES: expected a folder with a folder of score files")
    code, printed = run_main(main, *words, "--sar-scores", tmp_path / "sar")
    assert code == 0 and printed.startswith(f"wrote 4 label files in {run_dir / 'reassigned_labels'}\n")
    for name in names:
        labels = read_raster(run_dir / "reassigned_labels" / f"{name}.tif").pixels
        assert (labels[:, :20] == 2).all() and (labels[:, 20:] == 5).all()
    inputs = read_manifest(run_dir / "reassigned_labels" / FINISHED)["inputs"]
    assert sorted(inputs) == ["labels", "scores of one"]
