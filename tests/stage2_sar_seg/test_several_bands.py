"""SAR of two polarisations in decibels, from the training to maps of tiles and of a scene."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from mmseg.registry import MODELS
from numpy.typing import NDArray
from sar_scenes import read_map, write_scene
from torch import Tensor, nn

from landcover.images.raster import read_sar
from landcover.networks.model_file import load_model, read_model_info
from landcover.training.band_statistics import band_statistics
from stage2_sar_seg.predict_sar import main as predict
from stage2_sar_seg.train_sar_models import main as train
from tools.map_scene import main as map_scene
from tools.map_tiles import main as map_tiles

ROOT = Path(__file__).parents[2]

RunMain = Callable[..., tuple[int, str]]

EMPTY = np.s_[:, :9]
"""Where the tiles of `two_bands` have no data."""

BOTH = f"""
_base_ = [
    "{ROOT}/configs/_base_/models/segformer_mit.py",
    "{ROOT}/configs/_base_/datasets/optical_and_sar.py",
    "{ROOT}/configs/_base_/losses/sce_lovasz.py",
    "{ROOT}/configs/_base_/schedules/demo.py",
]
crop_size = 32
iterations = 2
model = dict(
    backbone=dict(_delete_=True, type="BandsOfBoth", in_channels=None),
    decode_head=dict(in_channels=[8], in_index=[0], channels=8, dropout_ratio=0.0),
)
"""

AUGMENTATIONS = (
    "train_dataloader.dataset.augmentations=[{'type': 'Albumentation', 'transforms': [{'type': 'RandomRotate90'}]},"
    "{'type': 'SpeckleNoise', 'looks': (2.0, 8.0), 'probability': 0.5},"
    "{'type': 'RandomGain', 'decibels': 2.0, 'probability': 0.5}]"
)


@MODELS.register_module()
class BandsOfBoth(nn.Module):
    """One convolution of all bands."""

    def __init__(self, in_channels: Mapping[str, int]) -> None:
        super().__init__()
        self.project = nn.Conv2d(in_channels["optical"] + in_channels["sar"], 8, 4, stride=4)

    def forward(self, images: Mapping[str, Tensor]) -> tuple[Tensor]:
        return (self.project(torch.cat([images["optical"], images["sar"]], dim=1)),)


def decibels(amplitude: NDArray[np.uint8]) -> NDArray[np.float32]:
    """VV and VH (H, W, 2) of an amplitude image; NaN where there is no data, in one band or in both."""
    vv = 20 * np.log10(np.maximum(amplitude, 1) / 255)
    both = np.stack([vv, 0.8 * vv[::-1] - 9], axis=-1).astype(np.float32)
    both[EMPTY] = np.nan
    both[20:24, 30:34, 1] = np.nan
    return both


def place_of(path: Path) -> dict[str, Any]:
    with rasterio.open(path) as file:
        return {"crs": file.crs, "transform": file.transform}


@pytest.fixture
def two_bands(demo_root: Path, tmp_path: Path) -> Path:
    """The demo data set with float32 decibels of VV and VH."""
    data = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc"))
    for path in data.glob("*/sar_images/*.tif"):
        write_scene(path, decibels(read_sar(path).pixels), ("VV", "VH"), **place_of(path))
    return data


@pytest.fixture
def words(two_bands: Path, tiny_model: Path, label_folder: Path, tmp_path: Path) -> list[str]:
    """Arguments of a training."""
    paths = f"{tiny_model} --dfc-root {two_bands} --labels {label_folder} --run-dir {tmp_path / 'run'}"
    return [*paths.split(), "--option", "sar.unit=decibel", "--option", AUGMENTATIONS]


def options(*texts: str) -> Sequence[str]:
    return [word for text in texts for word in ("--option", text)]


def test_two_bands_of_decibels_are_trained_on_predicted_and_mapped(
    run_main: RunMain, words: list[str], two_bands: Path, demo_root: Path, tmp_path: Path
) -> None:
    truth = ["--truth-root", str(demo_root / "truth")]
    code, told = run_main(train, *words, *truth, *options("sar.bands=[VV,VH]", "sar.despeckle={'type': 'lee'}"))
    assert code == 0, told
    path, tiles = tmp_path / "run/sar_models/tiny/model.pth", sorted((two_bands / "train/sar_images").iterdir())
    model, info = load_model(path, torch.device("cpu"))
    statistics = band_statistics(tiles, "decibel", bands=("VV", "VH"))
    assert info.sar == statistics.values and info.bands == ("VV", "VH")
    assert model.data_preprocessor.mean.flatten().tolist() == pytest.approx(statistics.means, rel=1e-6)
    assert model.backbone.layers[0][0].projection.in_channels == 2
    assert -60 < statistics.means[1] < statistics.means[0] < 0
    assert json.loads((tmp_path / "run/sar_models/tiny/metrics.json").read_text())["pixels"] > 0

    run = ["--dfc-root", two_bands, "--run-dir", tmp_path / "run"]
    assert run_main(predict, "tiny", *run)[0] == 0
    assert len(list((tmp_path / "run/scores/test/tiny").glob("*.tif"))) == 2

    images, maps = two_bands / "test/sar_images", tmp_path / "maps"
    assert run_main(map_tiles, "--images", images, "--models", path, "--out", maps)[0] == 0
    scenes = sorted(images.iterdir())
    for scene in scenes:
        labels = read_map(maps / scene.name)
        assert (labels[EMPTY] == 0).all() and (labels[20:24, 30:34] == 0).all()
        labels[EMPTY], labels[20:24, 30:34] = 1, 1
        assert labels.min() >= 1 and labels.max() <= 8

    out = tmp_path / "scene_map.tif"
    assert run_main(map_scene, "--scene", scenes[0], "--models", path, "--out", out)[0] == 0
    mapped = read_map(out)
    np.testing.assert_array_equal(mapped == 0, read_map(maps / scenes[0].name) == 0)
    both = np.nan_to_num(read_sar(scenes[0], bands=("VV", "VH")).pixels, nan=0)
    swapped = write_scene(tmp_path / "swapped.tif", both[..., ::-1], ("vh", "vv"))
    assert run_main(map_scene, "--scene", swapped, "--models", path, "--out", tmp_path / "again.tif")[0] == 0
    measured = mapped > 0
    np.testing.assert_array_equal(read_map(tmp_path / "again.tif")[measured], mapped[measured])


@pytest.mark.parametrize("advice", [r"sar\.band=\S+", r"sar\.bands=\S+"])
def test_without_a_choice_the_bands_are_told_with_settings_that_choose(
    run_main: RunMain, words: list[str], two_bands: Path, tmp_path: Path, advice: str
) -> None:
    code, told = run_main(train, *words)
    assert code == 2
    tile = sorted((two_bands / "train/sar_images").iterdir())[0]
    assert told.startswith(f"error: {tile}: expected a SAR image of one band, found 2 (VV, VH); for a training choose")
    found = re.search(advice, told)
    assert found is not None and not (tmp_path / "run").exists()
    assert run_main(train, *words, *options(found[0]))[0] == 0
    assert read_model_info(tmp_path / "run/sar_models/tiny/model.pth").bands == (
        ("VV", "VH") if "[" in found[0] else ("VV",)
    )


@pytest.mark.parametrize(
    ("chosen", "read"),
    [(["sar.band=VH"], ("VH",)), (["sar.band=2", "sar.bands=3"], (2,)), (["sar.bands=[VH]"], ("VH",))],
)
def test_one_band_of_two_is_chosen(
    run_main: RunMain, words: list[str], two_bands: Path, tmp_path: Path, chosen: list[str], read: tuple[str | int]
) -> None:
    code, told = run_main(train, *words, *options(*chosen))
    assert code == 0, told
    path = tmp_path / "run/sar_models/tiny/model.pth"
    assert read_model_info(path).bands == read
    model, _ = load_model(path, torch.device("cpu"))
    mean = band_statistics(sorted((two_bands / "train/sar_images").iterdir()), "decibel", bands=("VH",)).mean
    assert model.data_preprocessor.mean.flatten().tolist() == [pytest.approx(mean, rel=1e-6)]
    scene = next((two_bands / "test/sar_images").iterdir())
    assert run_main(map_scene, "--scene", scene, "--models", path, "--out", tmp_path / "map.tif")[0] == 0
    assert (read_map(tmp_path / "map.tif") > 0).mean() > 0.7


def test_a_model_of_one_band_refuses_two_and_maps_the_one_that_it_is_told_to_be_given(
    run_main: RunMain, words: list[str], two_bands: Path, tmp_path: Path
) -> None:
    for path in two_bands.glob("train/sar_images/*.tif"):
        write_scene(path, read_sar(path, bands=("VV",)).pixels, **place_of(path))
    assert run_main(train, *words)[0] == 0
    both = next((two_bands / "test/sar_images").iterdir())
    model, out = tmp_path / "run/sar_models/tiny/model.pth", tmp_path / "map.tif"
    code, told = run_main(map_scene, "--scene", both, "--models", model, "--out", out)
    assert code == 2 and told.startswith(f"error: {both}: expected a SAR image of one band, found 2 (VV, VH); ")
    assert told.endswith("write the one that it reads to a file of its own (gdal_translate -b 1)")
    with rasterio.open(both) as file:
        one = write_scene(tmp_path / "one.tif", file.read(1), **place_of(both))
    assert run_main(map_scene, "--scene", one, "--models", model, "--out", out)[0] == 0
    assert (read_map(out)[EMPTY] == 0).all() and (read_map(out) > 0).mean() > 0.7


def test_optical_images_and_two_bands_are_read_together(
    run_main: RunMain, words: list[str], two_bands: Path, tmp_path: Path
) -> None:
    config = tmp_path / "both.py"
    config.write_text(BOTH)
    gain = {"type": "RandomGain", "decibels": 2.0, "probability": 0.5}
    augmentations = [{"type": "OnModality", "modality": "sar", "transform": gain}]
    chosen = options("sar.bands=[VV,VH]", f"train_dataloader.dataset.augmentations={augmentations}")
    code, told = run_main(train, config, *words[1:], *chosen)
    assert code == 0, told
    path = tmp_path / "run/sar_models/both/model.pth"
    assert load_model(path, torch.device("cpu"))[0].backbone.project.in_channels == 5
    folders = [f"optical={two_bands / 'train/rgb_images'}", f"sar={two_bands / 'train/sar_images'}"]
    assert run_main(map_tiles, "--images", *folders, "--models", path, "--out", tmp_path / "maps")[0] == 0
    for tile in (tmp_path / "maps").glob("*.tif"):
        labels = read_map(tile)
        assert (labels[EMPTY] == 0).all() and (labels > 0).mean() > 0.7
