import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.model_file import load_model
from landcover.prediction.sliding_window import predict_probabilities
from landcover.prediction.write_scores import PredictionSettings, write_score_folder
from landcover.processes import Processes
from landcover.raster import Georeference, read_georeference, read_sar, write_raster
from landcover.score_file import ScoreHeader, encode, read_scores

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
ALONE = Processes(rank=0, world=1, device=CPU)
SETTINGS = PredictionSettings(scales=(1.0, 1.5), flips=("none", "both"), stride=0.75, encoding="logit")
SCALE_TAG = (33550, 12, 3, (0.5, 0.5, 0.0))
TIEPOINT_TAG = (33922, 12, 6, (0.0, 0.0, 0.0, 400000.0, 5000000.0, 0.0))


@pytest.fixture
def images(tmp_path: Path) -> dict[str, Path]:
    """Five small SAR tiles of different sizes."""
    rng = np.random.default_rng(0)
    files = {}
    for number, shape in enumerate([(40, 33), (32, 32), (20, 50), (64, 31), (10, 10)]):
        path = tmp_path / "images" / f"tile_{number}.tif"
        write_raster(path, rng.integers(0, 256, shape, dtype=np.uint8), Georeference((SCALE_TAG, TIEPOINT_TAG)))
        files[path.stem] = path
    return files


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_score_files_hold_the_rounded_predictions_of_the_model(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model_path = write_model(tmp_path / "small" / "model.pth")
    assert write_score_folder(model_path, images, tmp_path / "scores", SETTINGS, ALONE) is True
    model, _ = load_model(model_path, CPU)
    for stem, image in images.items():
        header, codes = read_scores(tmp_path / "scores" / f"{stem}.tif")
        pixels = read_sar(image)
        assert header == ScoreHeader("small", OPEN_EARTH_MAP.name, "logit", 10.0, *pixels.shape, 8)
        expected = predict_probabilities(model, pixels, SETTINGS.sliding_window(32), CPU)
        np.testing.assert_array_equal(codes, encode(expected.numpy(), "logit"))
        assert read_georeference(tmp_path / "scores" / f"{stem}.tif") == read_georeference(image)


def test_manifest_names_model_views_and_every_file(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    write_score_folder(write_model(tmp_path / "small" / "model.pth"), images, tmp_path / "scores", SETTINGS, ALONE)
    manifest = json.loads((tmp_path / "scores" / "manifest.json").read_text())
    assert manifest["made_by"] == {
        "stage": "scores",
        "model": "small",
        "encoding": "logit",
        "scales": [1.0, 1.5],
        "flips": ["none", "both"],
        "stride": 0.75,
    }
    assert [row["name"] for row in manifest["files"]] == [f"tile_{number}.tif" for number in range(5)]
    assert not (tmp_path / "scores" / "unfinished.json").exists()


def test_a_complete_folder_is_left_alone(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model, folder = write_model(tmp_path / "small" / "model.pth"), tmp_path / "scores"
    write_score_folder(model, images, folder, SETTINGS, ALONE)
    times = {path: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert write_score_folder(model, images, folder, SETTINGS, ALONE) is False
    assert {path: path.stat().st_mtime_ns for path in folder.iterdir()} == times


@pytest.mark.parametrize("lost", [["manifest.json", "tile_1.tif", "tile_4.tif"], ["tile_0.tif"]])
def test_an_interrupted_folder_is_completed_to_the_same_bytes(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path], lost: list[str]
) -> None:
    model, folder = write_model(tmp_path / "small" / "model.pth"), tmp_path / "scores"
    write_score_folder(model, images, folder, SETTINGS, ALONE)
    before = content(folder)
    if "manifest.json" in lost:  # killed before the end
        (folder / "manifest.json").rename(folder / "unfinished.json")
    for name in lost:
        (folder / name).unlink(missing_ok=True)
    kept = {path: path.stat().st_mtime_ns for path in folder.glob("*.tif")}
    assert write_score_folder(model, images, folder, SETTINGS, ALONE) is True
    assert content(folder) == before
    assert {path: path.stat().st_mtime_ns for path in kept} == kept


def test_a_score_file_that_was_cut_off_is_made_again(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model, folder = write_model(tmp_path / "small" / "model.pth"), tmp_path / "scores"
    write_score_folder(model, images, folder, SETTINGS, ALONE)
    before = content(folder)
    (folder / "tile_2.tif").write_bytes(before["tile_2.tif"][:100])
    assert write_score_folder(model, images, folder, SETTINGS, ALONE) is True
    assert content(folder) == before


def test_a_folder_of_another_model_other_views_or_other_images_is_refused(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model, folder = write_model(tmp_path / "small" / "model.pth"), tmp_path / "scores"
    write_score_folder(model, images, folder, SETTINGS, ALONE)
    before = content(folder)
    other = write_model(tmp_path / "other" / "small" / "model.pth", seed=1)
    views = PredictionSettings(scales=(1.0,), flips=("none",))
    fewer = {stem: images[stem] for stem in sorted(images)[1:]}
    for arguments in [
        (other, images, folder, SETTINGS),
        (model, images, folder, views),
        (model, fewer, folder, SETTINGS),
    ]:
        with pytest.raises(InputError, match="holds files made from something else"):
            write_score_folder(*arguments, ALONE)
    assert content(folder) == before


def test_nothing_to_predict_and_no_model_are_told(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model = write_model(tmp_path / "small" / "model.pth")
    with pytest.raises(InputError, match="expected images to predict, found none; check the data root"):
        write_score_folder(model, {}, tmp_path / "scores", SETTINGS, ALONE)
    with pytest.raises(InputError, match=r"model\.pth: expected a trained model, found none; run the training stage"):
        write_score_folder(tmp_path / "absent" / "model.pth", images, tmp_path / "scores", SETTINGS, ALONE)
    assert not (tmp_path / "scores").exists()


def test_two_processes_write_the_bytes_of_one(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    rng = np.random.default_rng(1)
    for number in range(3):
        pixels = rng.integers(1, 256, (40, 33), dtype=np.uint8)
        write_raster(tmp_path / "data" / "test" / "sar_images" / f"tile_{number}.tif", pixels)
    images = {path.stem: path for path in (tmp_path / "data" / "test" / "sar_images").iterdir()}
    model = write_model(tmp_path / "run" / "sar_models" / "small" / "model.pth")
    write_score_folder(model, images, tmp_path / "alone", PredictionSettings(flips=("none", "both")), ALONE)
    together = tmp_path / "run" / "scores" / "test" / "small"
    command = f"-m torch.distributed.run --standalone --nproc_per_node 2 -m stage2_sar_seg.predict_sar small \
        --dfc-root {tmp_path / 'data'} --run-dir {tmp_path / 'run'} --flips none both"
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    result = subprocess.run(
        [sys.executable, *command.split()], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == f"wrote 3 score files in {together}\n"
    assert content(together) == content(tmp_path / "alone")
