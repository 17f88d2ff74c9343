"""Maps of many images without score files, as a user makes them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from mmseg.registry import MODELS

from ensemble.__main__ import main as ensemble_main
from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import read_raster, write_raster
from landcover.networks.model_file import ModelInfo, save_model
from landcover.prediction.write_scores import PredictionSettings, write_score_folder
from landcover.processes.group import Processes
from landcover.sar.training_values import TrainingValues
from tools.benchmarks._scenes import TINY_NETWORK
from tools.map_tiles import main, map_tiles

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Two images of different size, a third of one without data."""
    rng = np.random.default_rng(0)
    for name, size in (("a", (70, 90)), ("b", (50, 40))):
        pixels = rng.integers(1, 200, size, dtype=np.uint8)
        pixels[: 30 * (name == "b")] = 0
        write_raster(tmp_path / "images" / f"{name}.tif", pixels)
    return tmp_path / "images"


@pytest.fixture
def models(registered: None, tmp_path: Path) -> list[Path]:
    paths = [tmp_path / name / "model.pth" for name in ("first", "second")]
    for seed, path in enumerate(paths):
        torch.manual_seed(seed)
        info = ModelInfo(path.parent.name, "sar", OPEN_EARTH_MAP, 64)
        save_model(path, info, TINY_NETWORK, MODELS.build(TINY_NETWORK).state_dict())
    return paths


@pytest.mark.parametrize("average", ["logits", "probabilities"])
def test_maps_are_those_of_score_files(
    run_main: RunMain, images: Path, models: list[Path], tmp_path: Path, average: str
) -> None:
    words = ["--images", images, "--models", *models, "--out", tmp_path / "maps", "--average", average]
    assert run_main(main, *words, "--flips", "none", "both") == (0, f"wrote 2 maps in {tmp_path / 'maps'}\n")
    settings = PredictionSettings(flips=("none", "both"), encoding="logit" if average == "logits" else "probability")
    files = {path.stem: path for path in images.iterdir()}
    for path in models:
        write_score_folder(
            path, files, tmp_path / "scores" / path.parent.name, settings, Processes(0, 1, torch.device("cpu"))
        )
    words = ["--scores", tmp_path / "scores", "--out", tmp_path / "expected", "--average", average]
    assert run_main(ensemble_main, *words)[0] == 0
    for name in files:
        expected = read_raster(tmp_path / "expected" / f"{name}.tif").pixels
        found = read_raster(tmp_path / "maps" / f"{name}.tif").pixels
        data = read_raster(files[name]).pixels > 0
        np.testing.assert_array_equal(found, np.where(data, expected, 0))
    assert len(np.unique(read_raster(tmp_path / "maps" / "a.tif").pixels)) > 1


def test_only_the_first_process_reads_what_is_hashed(
    images: Path, models: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Processes, "gather", lambda self, value: [(True, True), value])  # the first one has found all
    monkeypatch.setattr("tools.map_tiles.digest_all", None)
    files, second = {path.stem: path for path in images.iterdir()}, Processes(1, 2, torch.device("cpu"))
    assert map_tiles(files, models, tmp_path / "maps", PredictionSettings(), "logits", second) is False


def test_finished_maps_are_kept_and_a_stopped_call_goes_on(
    run_main: RunMain, images: Path, models: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "maps"
    words = ["--images", images, "--models", *models, "--out", out]
    assert run_main(main, *words)[0] == 0
    assert run_main(main, *words) == (0, f"is there: 2 maps in {out}\n")
    written = (out / "a.tif").read_bytes()
    (out / "a.tif").unlink()
    kept = (out / "b.tif").stat().st_mtime_ns
    assert run_main(main, *words) == (0, f"wrote 2 maps in {out}\n")
    assert (out / "a.tif").read_bytes() == written
    assert (out / "b.tif").stat().st_mtime_ns == kept
    code, told = run_main(main, *words, "--stride", "0.25")
    assert code == 2
    assert "made_by.stride: 0.5 there, 0.25 now" in told


def test_what_does_not_belong_together_is_refused(
    run_main: RunMain, images: Path, models: list[Path], tmp_path: Path
) -> None:
    info = ModelInfo("optical", "optical", OPEN_EARTH_MAP, 64)
    other = tmp_path / "other.pth"
    save_model(other, info, TINY_NETWORK, MODELS.build(TINY_NETWORK).state_dict())
    out = tmp_path / "maps"
    for words, expected in (
        ([images, models[0], other], "expected a model for sar images"),
        ([tmp_path, models[0]], "expected images (.tif or .tiff), found files of other kinds (.pth, no suffix)"),
        ([images, tmp_path / "nothing.pth"], "nothing.pth"),
    ):
        code, told = run_main(main, "--images", words[0], "--models", *words[1:], "--out", out)
        assert code == 2
        assert expected in told
    assert not out.exists()


def test_images_of_any_suffix_are_mapped_and_leftovers_of_macos_are_not(
    run_main: RunMain, images: Path, models: list[Path], tmp_path: Path
) -> None:
    (images / "a.tif").rename(images / "a.TIF")
    (images / "b.tif").rename(images / "b.tiff")
    (images / "._a.tif").write_bytes(b"\0\5\x16\7")
    words = ["--images", images, "--models", models[0], "--out", tmp_path / "maps"]
    assert run_main(main, *words) == (0, f"wrote 2 maps in {tmp_path / 'maps'}\n")
    assert sorted(path.name for path in (tmp_path / "maps").glob("*.tif")) == ["a.tif", "b.tif"]


def test_models_of_different_bands_are_refused(
    run_main: RunMain, images: Path, models: list[Path], tmp_path: Path
) -> None:
    values = TrainingValues(("VV", 2), "uint8", ((1.0, 2.0, 3.0),) * 2)
    info = ModelInfo("both", "sar", OPEN_EARTH_MAP, 64, values)
    path = tmp_path / "both" / "model.pth"
    save_model(path, info, TINY_NETWORK, MODELS.build(TINY_NETWORK).state_dict())
    code, told = run_main(main, "--images", images, "--models", models[0], path, "--out", tmp_path / "maps")
    assert code == 2 and not (tmp_path / "maps").exists()
    assert told == (
        f"error: {path}: expected a model that reads the only band of SAR files as {models[0]}, found one of band VV, "
        "band 2; pass models of the same bands, or average their score files"
    )
