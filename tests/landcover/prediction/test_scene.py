from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import rasterio
import torch
from numpy.typing import NDArray
from sar_scenes import radar, read_map, write_scene

from landcover.errors import InputError
from landcover.images.no_data import Raster
from landcover.networks.model_file import load_model, read_model_info, save_model
from landcover.prediction import map_parts
from landcover.prediction import scene as scene_module
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities, window_starts
from landcover.processes.group import Processes

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

CPU = torch.device("cpu")
ALONE = Processes(rank=0, world=1, device=CPU)
ONE_FLIP = SceneSettings()
FLIPS = {"none": (), "horizontal": (2,), "vertical": (1,), "both": (1, 2)}
WriteModel = Callable[..., Path]


def plain_probabilities(paths: Sequence[Path], image: NDArray[Any], settings: SceneSettings) -> NDArray[np.float64]:
    """Every window alone, in float64 sums of the whole image: (C, H, W)."""
    height, width = image.shape
    total = np.zeros((8, height, width))
    for path in paths:
        model, info = load_model(path, CPU)
        window = info.window
        sums, weight_sums = np.zeros((8, height, width)), np.zeros((height, width))
        stride = max(1, round(window * settings.stride))
        bells = [
            np.sin((np.arange(min(window, side)) + 0.5) * np.pi / min(window, side)) ** 2 for side in (height, width)
        ]
        for top in window_starts(height, window, stride):
            for left in window_starts(width, window, stride):
                area = slice(top, top + window), slice(left, left + window)
                patch = image[area]
                for flip in settings.flips:
                    axes = tuple(axis - 1 for axis in FLIPS[flip])
                    whole = SlidingWindow(window, window)
                    scores = predict_probabilities(model, np.flip(patch, axes).copy(), whole, CPU).double().numpy()
                    sums[:, *area] += np.outer(*bells) * np.flip(scores, FLIPS[flip]) / len(settings.flips)
                weight_sums[area] += np.outer(*bells)
        total += sums / weight_sums
    return total / len(paths)


@pytest.mark.parametrize(
    ("shape", "windows", "settings"),
    [
        ((75, 101), (32,), SceneSettings()),
        ((75, 70), (32,), SceneSettings(("none", "horizontal", "vertical", "both"), 0.5)),
        ((90, 64), (32, 48), SceneSettings(("none", "both"), 0.6)),  # two models with other windows
        ((20, 90), (64,), SceneSettings()),  # lower than the window
        ((7, 5), (64,), SceneSettings()),  # smaller than the window
        ((1, 1), (32,), SceneSettings()),
        ((33, 1), (32,), SceneSettings()),
    ],
)
def test_equals_every_window_alone_blended_over_the_whole_scene(
    tmp_path: Path, write_model: WriteModel, shape: tuple[int, int], windows: tuple[int, ...], settings: SceneSettings
) -> None:
    image = radar(*shape)
    models = [write_model(tmp_path / f"{n}" / "model.pth", seed=n, window=side) for n, side in enumerate(windows)]
    scene = write_scene(tmp_path / "scene.tif", image)
    blended = []

    def keep(work: Any, part: Any, indices: NDArray[np.uint8], scores: NDArray[np.float32], mask: object) -> None:
        blended.append(scores)
        original(work, part, indices, scores, mask)

    original = scene_module._Work._write_part
    with mock.patch.object(scene_module._Work, "_write_part", keep):
        assert map_scene(scene, models, tmp_path / "map.tif", settings, ALONE, tmp_path / "sure.tif") is True
    expected = plain_probabilities(models, image, settings)
    np.testing.assert_allclose(np.concatenate(blended) / len(models), expected.max(axis=0), rtol=0, atol=1e-5)
    labels, best_two = read_map(tmp_path / "map.tif"), np.sort(expected, axis=0)[-2:]
    certain = best_two[1] - best_two[0] > 1e-5
    assert certain.mean() > 0.99 or certain.size < 100
    np.testing.assert_array_equal(labels[certain], expected.argmax(axis=0)[certain] + 1)
    np.testing.assert_allclose(read_map(tmp_path / "sure.tif"), 100 * best_two[1], atol=0.501)


def test_the_map_lies_where_the_scene_lies_and_has_its_no_data(tmp_path: Path, write_model: WriteModel) -> None:
    image = radar(150, 90)
    image[:60, :40] = 0  # a wedge
    image[100, 20:50] = 0  # dark water
    scene = write_scene(tmp_path / "scene.tif", image)
    models = [write_model(tmp_path / "model" / "model.pth")]
    map_scene(scene, models, tmp_path / "map.tif", ONE_FLIP, ALONE, tmp_path / "sure.tif")
    expected = Raster(image).no_data()
    assert expected.sum() == 2400
    with rasterio.open(scene) as before, rasterio.open(tmp_path / "map.tif") as after:
        assert (after.crs, after.transform, after.shape) == (before.crs, before.transform, before.shape)
        assert (after.count, after.dtypes, after.nodata) == (1, ("uint8",), 0)
        assert after.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(after.read(1) == 0, expected)
        assert after.read(1).max() <= 8
    with rasterio.open(tmp_path / "sure.tif") as sure:
        assert (sure.descriptions, sure.nodata) == (("confidence in percent",), 255)
        np.testing.assert_array_equal(sure.read(1) == 255, expected)
    assert sorted(path.name for path in tmp_path.glob("*.*")) == ["map.tif", "map.tif.aux.xml", "scene.tif", "sure.tif"]


def test_windows_without_data_are_not_predicted(tmp_path: Path, write_model: WriteModel) -> None:
    image = radar(128, 96)
    image[:64] = 0
    scene, model = write_scene(tmp_path / "scene.tif", image), write_model(tmp_path / "model" / "model.pth")
    with mock.patch.object(scene_module, "predict_probabilities", wraps=predict_probabilities) as predict:
        map_scene(scene, [model], tmp_path / "map.tif", ONE_FLIP, ALONE)
    assert predict.call_count == 4 * 5  # rows of windows that begin at 48, 64, 80, 96


def constant_model(path: Path) -> Path:
    """Its logits are the same for every pixel."""
    content = torch.load(path, weights_only=True)
    weights = content["weights"]
    weights["decode_head.conv_seg.weight"].zero_()
    weights["decode_head.conv_seg.bias"].copy_(torch.arange(8.0).roll(3))
    save_model(path, read_model_info(path), json.loads(content["network"]), weights)
    return path


def test_a_constant_network_gives_a_constant_map_without_seams(tmp_path: Path, write_model: WriteModel) -> None:
    models = [constant_model(write_model(tmp_path / f"{n}" / "model.pth", window=n)) for n in (32, 56)]
    scene = write_scene(tmp_path / "scene.tif", radar(100, 301))
    scores = []

    def keep(work: Any, part: Any, indices: object, summed: NDArray[np.float32], mask: object) -> None:
        scores.append(summed)
        original(work, part, indices, summed, mask)

    original = scene_module._Work._write_part
    with (
        mock.patch.object(scene_module._Work, "_write_part", keep),
        mock.patch.object(scene_module, "STRIP_WINDOWS", 1),
        mock.patch.object(map_parts, "ROWS", 64),
    ):
        map_scene(scene, models, tmp_path / "map.tif", SceneSettings(stride=0.7), ALONE)
    assert len(scores) == 4  # two parts in each of two strips
    expected = torch.arange(8.0).softmax(0).max().item()
    for summed in scores:
        np.testing.assert_allclose(summed / 2, expected, rtol=0, atol=1e-6)
    assert set(np.unique(read_map(tmp_path / "map.tif"))) == {3}


def test_strips_and_parts_do_not_show(tmp_path: Path, write_model: WriteModel) -> None:
    scene = write_scene(tmp_path / "scene.tif", radar(100, 280))
    models = [write_model(tmp_path / f"{n}" / "model.pth", seed=n, window=side) for n, side in ((0, 64), (1, 48))]
    outputs = [(tmp_path / f"{name}.tif", tmp_path / f"{name}_sure.tif") for name in ("narrow", "wide")]
    for strip, rows, (out, sure) in zip((1, 16), (32, 512), outputs, strict=True):
        with (
            mock.patch.object(scene_module, "STRIP_WINDOWS", strip),
            mock.patch.object(map_parts, "ROWS", rows),
        ):
            map_scene(scene, models, out, ONE_FLIP, ALONE, sure)
    for narrow, wide in zip(*outputs, strict=True):
        assert narrow.read_bytes() == wide.read_bytes()


def test_agrees_with_the_prediction_of_tiles(tmp_path: Path, write_model: WriteModel) -> None:
    image, path = radar(160, 160), write_model(tmp_path / "model" / "model.pth", window=64)
    map_scene(write_scene(tmp_path / "scene.tif", image), [path], tmp_path / "map.tif", ONE_FLIP, ALONE)
    model, _ = load_model(path, CPU)
    scores = predict_probabilities(model, image, SlidingWindow(64, 32, weighting="cosine"), CPU)
    agreement = float((read_map(tmp_path / "map.tif") == scores.argmax(0).numpy() + 1).mean())
    assert agreement > 0.97  # there, logits are averaged


def test_declared_no_data_of_any_value_does_not_reach_the_network(tmp_path: Path, write_model: WriteModel) -> None:
    model = write_model(tmp_path / "m" / "model.pth")
    image = radar(70, 64).astype(np.float32)
    image[:20, :20] = 0
    zeros = write_scene(tmp_path / "zeros.tif", image, nodata=-1)  # no zero is declared, and the region is small
    image[:20, :20] = np.nan
    declared = write_scene(tmp_path / "declared.tif", image, nodata=np.nan)
    for scene in (zeros, declared):
        map_scene(scene, [model], tmp_path / f"{scene.stem}_map.tif", ONE_FLIP, ALONE)
    first, second = read_map(tmp_path / "zeros_map.tif"), read_map(tmp_path / "declared_map.tif")
    assert first.min() > 0 and (second[:20, :20] == 0).all()
    first[:20, :20] = 0
    np.testing.assert_array_equal(first, second)


def test_a_scene_without_georeferencing_is_mapped_with_a_warning(
    tmp_path: Path, write_model: WriteModel, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = write_scene(tmp_path / "scene.tif", radar(40, 40), crs=None, transform=None)
    map_scene(scene, [write_model(tmp_path / "m" / "model.pth")], tmp_path / "map.tif", ONE_FLIP, ALONE)
    warning = f"warning: {scene}: no georeferencing; the map will have none either\n"
    assert capsys.readouterr().err.count(warning) == 1
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs is None and file.transform.is_identity and file.shape == (40, 40)


def test_an_output_that_is_an_input_is_refused_and_stays(write_model: WriteModel, tmp_path: Path) -> None:
    model = write_model(tmp_path / "a" / "model.pth")
    path = write_scene(tmp_path / "scene.tif", radar(40, 40))
    before = path.read_bytes()
    for out, confidence in ((path, None), (tmp_path / "map.tif", path)):
        with pytest.raises(
            InputError, match=r"scene\.tif: expected a file to write, found that it is an input; choose"
        ):
            map_scene(path, [model], out, ONE_FLIP, ALONE, confidence)
    assert path.read_bytes() == before and not (tmp_path / "map.tif").exists()
