import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.grid import Georeference, read_georeference
from landcover.images.raster import read_sar, write_raster
from landcover.networks.model_file import load_model
from landcover.prediction import write_scores
from landcover.prediction.sliding_window import predict_probabilities
from landcover.prediction.write_scores import PredictionSettings, write_score_folder
from landcover.processes.group import Processes
from landcover.sar.units import Unit
from landcover.score_files.score_file import ScoreHeader, encode, read_scores

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
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("[!.]*")) if path.is_file()}


def test_only_the_first_process_reads_what_is_hashed(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model_path, hashed = write_model(tmp_path / "small" / "model.pth"), []
    write_score_folder(model_path, images, tmp_path / "scores", SETTINGS, ALONE)
    monkeypatch.setattr(Processes, "gather", lambda self, value: [(True, True), value])  # the first one has found all
    for name in ("digest", "digest_all"):
        monkeypatch.setattr(write_scores, name, lambda files: hashed.append(files) or "0")
    assert write_score_folder(model_path, images, tmp_path / "scores", SETTINGS, Processes(1, 2, CPU)) is False
    assert hashed == []


def test_score_files_hold_the_rounded_predictions_of_the_model(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path]
) -> None:
    model_path = write_model(tmp_path / "small" / "model.pth")
    assert write_score_folder(model_path, images, tmp_path / "scores", SETTINGS, ALONE) is True
    model, _ = load_model(model_path, CPU)
    for stem, image in images.items():
        header, codes = read_scores(tmp_path / "scores" / f"{stem}.tif")
        pixels = read_sar(image).pixels
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
        "weighting": "uniform",
        "dtype": "fp32",
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


def test_a_killed_prediction_is_continued_to_the_same_bytes(
    tmp_path: Path, images: dict[str, Path], write_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, folder = write_model(tmp_path / "small" / "model.pth"), tmp_path / "scores"
    write_score_folder(model, images, tmp_path / "whole", SETTINGS, ALONE)
    expected = content(tmp_path / "whole")
    predicted = []

    def killed_at_the_third(*arguments: Any) -> torch.Tensor:
        predicted.append(arguments[1].shape)
        if len(predicted) == 3:
            raise KeyboardInterrupt
        return predict_probabilities(*arguments)

    monkeypatch.setattr(write_scores, "predict_probabilities", killed_at_the_third)
    with pytest.raises(KeyboardInterrupt):
        write_score_folder(model, images, folder, SETTINGS, ALONE)
    assert sorted(content(folder)) == ["tile_0.tif", "tile_1.tif", "unfinished.json"]
    # What a writer that was killed, and a machine that went down, leave behind.
    (folder / ".4711.tile_2.tif").write_bytes(expected["tile_2.tif"][:1000])
    (folder / "tile_1.tif").write_bytes(expected["tile_1.tif"][:-100])
    (folder / "tile_3.tif").write_bytes(b"")
    kept = (folder / "tile_0.tif").stat().st_mtime_ns
    assert write_score_folder(model, images, folder, SETTINGS, ALONE) is True
    assert predicted[3:] == [(32, 32), (20, 50), (64, 31), (10, 10)]
    assert content(folder) == expected
    assert (folder / "tile_0.tif").stat().st_mtime_ns == kept


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
    cosine, bf16 = replace(SETTINGS, weighting="cosine"), replace(SETTINGS, dtype="bf16")
    fewer = {stem: images[stem] for stem in sorted(images)[1:]}
    for arguments in [
        (other, images, folder, SETTINGS),
        (model, images, folder, views),
        (model, images, folder, cosine),
        (model, images, folder, bf16),
        (model, fewer, folder, SETTINGS),
    ]:
        with pytest.raises(InputError, match="holds files made from something else"):
            write_score_folder(*arguments, ALONE)
    assert content(folder) == before
    assert write_score_folder(model, images, folder, replace(SETTINGS, batch=3), ALONE) is False


@pytest.mark.parametrize(
    ("unit", "pixels", "message"),
    [
        (
            "amplitude",
            np.full((40, 40), -12.5, np.float32),
            "expected amplitude values of at least 0, found -12.5; these look like decibels, set sar.unit=decibel "
            "for a new training, or convert the image: small was trained on amplitude",
        ),
        (
            "decibel",
            np.full((40, 40), 85.0, np.float32),
            "expected decibels from -120 to 60, found 85 to 85; these look linear, set sar.unit=amplitude or "
            "sar.unit=intensity for a new training, or convert the image: small was trained on decibel",
        ),
        (
            "decibel",
            np.full((40, 40), 85, np.uint8),
            "expected decibels as float32, on which small was trained, found uint8; "
            "convert the image, or train a model on such images",
        ),
    ],
)
def test_sar_images_in_another_unit_than_the_model_was_trained_on_are_refused(
    tmp_path: Path, write_model: Callable[..., Path], unit: Unit, pixels: NDArray[Any], message: str
) -> None:
    model = write_model(tmp_path / "small" / "model.pth", preprocessor={"type": "SarPreprocessor", "unit": unit})
    image = tmp_path / "images" / "tile.tif"
    write_raster(image, pixels)
    with pytest.raises(InputError) as caught:
        write_score_folder(model, {"tile": image}, tmp_path / "scores", SETTINGS, ALONE)
    assert str(caught.value) == f"{image}: {message}"
    assert sorted(content(tmp_path / "scores")) == ["unfinished.json"]


def test_sar_images_in_the_unit_of_the_model_are_predicted(tmp_path: Path, write_model: Callable[..., Path]) -> None:
    model = write_model(tmp_path / "small" / "model.pth", preprocessor={"type": "SarPreprocessor", "unit": "decibel"})
    image = tmp_path / "images" / "tile.tif"
    write_raster(image, np.full((40, 40), -12.5, np.float32))
    assert write_score_folder(model, {"tile": image}, tmp_path / "scores", SETTINGS, ALONE) is True
    header, codes = read_scores(tmp_path / "scores" / "tile.tif")
    assert (header.height, header.width) == (40, 40)
    assert codes.max() > 200  # of a logit: the best class


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
