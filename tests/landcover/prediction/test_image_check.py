from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sar_scenes import write_scene
from torch import nn

from landcover.classes import OPEN_EARTH_MAP
from landcover.images.raster import write_raster
from landcover.networks.model_file import ModelInfo
from landcover.prediction.image_check import CURE, ImageCheck
from landcover.prediction.sar_scene import open_scene
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings, load_scene_models
from landcover.prediction.write_scores import PredictionSettings, write_score_folder
from landcover.processes.group import Processes
from landcover.sar.preprocessor import SarPreprocessor
from landcover.sar.training_values import TrainingValues

CPU = torch.device("cpu")
ALONE = Processes(0, 1, CPU)
VALUES = TrainingValues((), "uint8", ((4.0, 57.0, 190.0),))
INFO = ModelInfo("small", "sar", OPEN_EARTH_MAP, 32, VALUES)
DARK = "median 2, the training images of small have 4 to 190 (1 % to 99 %), median 57: 1/28.5 of that"
SAR = {"type": "SarPreprocessor", "mean": [60.0], "std": [40.0]}

NOWHERE = np.zeros((8, 8), dtype=bool)


def grey(value: float, dtype: type = np.uint8) -> np.ndarray:
    return np.full((8, 8), value, dtype)


@pytest.fixture
def model(registered: None) -> nn.Module:
    network = nn.Module()
    network.data_preprocessor = SarPreprocessor([60.0], [40.0])
    return network


def test_images_like_the_training_images_are_not_told_of(model: nn.Module, capsys: pytest.CaptureFixture[str]) -> None:
    check = ImageCheck(ALONE)
    check.check(grey(60), NOWHERE, Path("a.tif"), model, INFO)
    check.check(grey(2), NOWHERE, Path("b.tif"), model, replace(INFO, sar=None))  # of an older file
    no_data = NOWHERE.copy()
    no_data[:, :5] = True
    check.check(np.where(no_data, 0, 60).astype(np.uint8), no_data, Path("c.tif"), model, INFO)
    check.finish()
    assert capsys.readouterr().err == ""


def test_the_first_image_is_told_of_at_once_and_further_ones_in_one_line(
    model: nn.Module, capsys: pytest.CaptureFixture[str]
) -> None:
    check = ImageCheck(ALONE)
    check.check(grey(2), NOWHERE, Path("maps/a.tif"), model, INFO)
    assert capsys.readouterr().err == f"warning: maps/a.tif: {DARK}; {CURE}\n"
    check.check(grey(2), NOWHERE, Path("maps/a.tif"), model, replace(INFO, name="second"))
    for name in "fedcb":
        check.check(grey(3, np.uint16), NOWHERE, Path(f"maps/{name}.tif"), model, INFO)
    assert capsys.readouterr().err == ""
    check.finish()
    expected = "warning: 5 more images are unlike the training images: b.tif, c.tif, d.tif and 2 more\n"
    assert capsys.readouterr().err == expected


@pytest.mark.parametrize("met_by_first", [0, 1])
def test_of_several_processes_the_first_one_tells_of_all(
    model: nn.Module, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, met_by_first: int
) -> None:
    checks = [ImageCheck(Processes(rank, 2, CPU)) for rank in range(2)]
    images = [Path("a.tif"), Path("b.tif"), Path("c.tif")]
    shares = [images[:met_by_first], images[met_by_first:]]
    for check, share in zip(checks, shares, strict=True):
        for path in share:
            check.check(grey(2), NOWHERE, path, model, INFO)
    told = [dict.fromkeys(share, DARK) for share in shares]
    monkeypatch.setattr(Processes, "gather", lambda self, value: told)
    for check in checks:
        check.finish()
    lines = [f"warning: a.tif: {DARK}; {CURE}", "warning: 2 more images are unlike the training images: b.tif, c.tif"]
    assert capsys.readouterr().err.splitlines() == lines


def test_score_files_are_written_with_a_warning(
    write_model: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write_model(tmp_path / "small" / "model.pth", preprocessor=SAR, values=VALUES)
    images = {name: tmp_path / f"{name}.tif" for name in "ab"}
    for image in images.values():
        write_raster(image, np.full((40, 40), 7200, np.uint16))
    assert write_score_folder(path, images, tmp_path / "scores", PredictionSettings(), ALONE) is True
    first, second = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    expected = f"warning: {images['a']}: uint16, the training images of small are uint8; median 7200, the training "
    assert first.startswith(expected) and "126 times that" in first
    assert second == "warning: 1 more image is unlike the training images: b.tif"


@pytest.mark.parametrize(
    ("dtype", "factor", "expected"),
    [
        (np.uint8, 1, ""),
        (np.uint16, 120, "uint16, the training images of small are uint8; median 72"),
        (np.float32, 1 / 255, "float32, the training images of small are uint8; median 0.235"),
    ],
)
def test_a_scene_of_another_sensor_is_warned_of_once(
    write_model: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    dtype: type,
    factor: float,
    expected: str,
) -> None:
    models = [write_model(tmp_path / name / "model.pth", preprocessor=SAR, values=VALUES) for name in ("small", "b")]
    pixels = np.full((70, 70), 60.0) * factor
    pixels[:40] = 0  # no data
    scene = write_scene(tmp_path / "scene.tif", pixels.astype(dtype))
    with open_scene(scene) as source:
        load_scene_models(models, source, SceneSettings(), Processes(1, 2, CPU))  # tells nothing
    map_scene(scene, models, tmp_path / "map.tif", SceneSettings(), ALONE)
    warnings = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning")]
    assert len(warnings) == bool(expected)
    assert all(line.startswith(f"warning: {scene}: {expected}") for line in warnings)
