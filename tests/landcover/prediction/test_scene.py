from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import rasterio
import torch
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.errors import InputError
from landcover.images.no_data import no_data_mask
from landcover.networks.model_file import load_model, read_model_info, save_model
from landcover.prediction import map_parts
from landcover.prediction import scene as scene_module
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.prediction.sliding_window import SlidingWindow, predict_probabilities, window_starts
from landcover.processes.group import Processes

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

ROOT = Path(__file__).parents[3]
CPU = torch.device("cpu")
ALONE = Processes(rank=0, world=1, device=CPU)
ONE_FLIP = SceneSettings()
FLIPS = {"none": (), "horizontal": (2,), "vertical": (1,), "both": (1, 2)}
WriteModel = Callable[..., Path]


def write_scene(path: Path, image: NDArray[np.generic], **profile: Any) -> Path:
    height, width = image.shape
    place = {"crs": CRS.from_epsg(32654), "transform": from_origin(400000, 5000000, 0.5, 0.5)}
    shape = {"width": width, "height": height, "count": 1, "dtype": image.dtype}
    path.parent.mkdir(parents=True, exist_ok=True)
    with rasterio.open(path, "w", driver="GTiff", **shape, **{**place, **profile}) as file:
        file.write(image, 1)
    return path


def radar(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Smooth fields with speckle."""
    rng = np.random.default_rng(seed)
    fields = np.kron(rng.uniform(20, 90, (height // 16 + 1, width // 16 + 1)), np.ones((16, 16)))[:height, :width]
    return (fields * np.sqrt(rng.gamma(3, 1 / 3, (height, width)))).clip(1, 255).astype(np.uint8)


def read(path: Path) -> NDArray[np.uint8]:
    with rasterio.open(path) as file:
        return file.read(1)


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
    labels, best_two = read(tmp_path / "map.tif"), np.sort(expected, axis=0)[-2:]
    certain = best_two[1] - best_two[0] > 1e-5
    assert certain.mean() > 0.99 or certain.size < 100
    np.testing.assert_array_equal(labels[certain], expected.argmax(axis=0)[certain] + 1)
    np.testing.assert_allclose(read(tmp_path / "sure.tif"), 100 * best_two[1], atol=0.501)


def test_the_map_lies_where_the_scene_lies_and_has_its_no_data(tmp_path: Path, write_model: WriteModel) -> None:
    image = radar(150, 90)
    image[:60, :40] = 0  # a wedge
    image[100, 20:50] = 0  # dark water
    scene = write_scene(tmp_path / "scene.tif", image)
    models = [write_model(tmp_path / "model" / "model.pth")]
    map_scene(scene, models, tmp_path / "map.tif", ONE_FLIP, ALONE, tmp_path / "sure.tif")
    expected = no_data_mask(image)
    assert expected.sum() == 2400
    with rasterio.open(scene) as before, rasterio.open(tmp_path / "map.tif") as after:
        assert (after.crs, after.transform, after.shape) == (before.crs, before.transform, before.shape)
        assert (after.count, after.dtypes, after.nodata) == (1, ("uint8",), 0)
        assert after.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        np.testing.assert_array_equal(after.read(1) == 0, expected)
        assert after.read(1).max() <= 8
    np.testing.assert_array_equal(read(tmp_path / "sure.tif") == 255, expected)
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
    assert set(np.unique(read(tmp_path / "map.tif"))) == {3}


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
    agreement = float((read(tmp_path / "map.tif") == scores.argmax(0).numpy() + 1).mean())
    assert agreement > 0.97  # there, logits are averaged


def test_a_map_that_is_there_is_left_alone(tmp_path: Path, write_model: WriteModel) -> None:
    scene, model = write_scene(tmp_path / "scene.tif", radar(64, 64)), write_model(tmp_path / "m" / "model.pth")
    out, sure = tmp_path / "map.tif", tmp_path / "sure.tif"
    assert map_scene(scene, [model], out, ONE_FLIP, ALONE) is True
    before, changed = out.read_bytes(), out.stat().st_mtime_ns
    (tmp_path / "map.tif.parts").mkdir()  # killed while it was removed
    assert map_scene(scene, [model], out, ONE_FLIP, ALONE) is False
    assert out.stat().st_mtime_ns == changed and not (tmp_path / "map.tif.parts").exists()
    assert map_scene(scene, [model], out, ONE_FLIP, ALONE, sure) is True  # the confidence was missing
    assert out.read_bytes() == before and sure.exists()


def test_outputs_of_other_inputs_are_refused(tmp_path: Path, write_model: WriteModel) -> None:
    scene, model = write_scene(tmp_path / "scene.tif", radar(64, 64)), write_model(tmp_path / "m" / "model.pth")
    other_scene = write_scene(tmp_path / "other.tif", radar(64, 64, seed=1))
    other_model = write_model(tmp_path / "other" / "model.pth", seed=1)
    out = tmp_path / "map.tif"
    map_scene(scene, [model], out, ONE_FLIP, ALONE)
    before = out.read_bytes()
    for arguments, key in (
        ((other_scene, [model], out, ONE_FLIP), "scene"),
        ((scene, [model, other_model], out, ONE_FLIP), "models"),
        ((scene, [model], out, SceneSettings(("none", "both"))), "flips"),
        ((scene, [model], out, SceneSettings(stride=1.0)), "stride"),
        ((scene, [model], scene, ONE_FLIP), "of unknown origin"),
    ):
        with pytest.raises(InputError, match=rf"expected no file, or a map of the same inputs, found .*\({key}"):
            map_scene(*arguments, ALONE)
    assert out.read_bytes() == before


def parts_of(out: Path) -> list[Path]:
    return sorted(out.with_name(f"{out.name}.parts").glob("labels_*.tif"))


def run_command(out: Path, scene: Path, models: Sequence[Path], processes: int = 1) -> list[str]:
    launcher = f"-m torch.distributed.run --standalone --nproc_per_node {processes}".split() if processes > 1 else []
    words = ["-m", "tools.map_scene", "--scene", scene, "--out", out, "--models", *models]
    return [sys.executable, *launcher, *map(str, [*words, "--confidence", out.with_name("sure.tif")])]


ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


@pytest.fixture
def large(tmp_path: Path, write_model: WriteModel) -> tuple[Path, list[Path]]:
    """A scene of three parts, and two models."""
    models = [write_model(tmp_path / f"{n}" / "model.pth", seed=n, window=side) for n, side in ((0, 64), (1, 48))]
    image = radar(1100, 60)
    image[:300, :20] = 0
    return write_scene(tmp_path / "scene.tif", image), models


def test_a_killed_run_goes_on_and_two_processes_write_the_bytes_of_one(
    tmp_path: Path, large: tuple[Path, list[Path]]
) -> None:
    folders = [tmp_path / name for name in ("alone", "killed", "together")]
    for folder in folders:
        folder.mkdir()
    outs = [folder / "map.tif" for folder in folders]
    assert map_scene(large[0], large[1], outs[0], ONE_FLIP, ALONE, folders[0] / "sure.tif") is True

    with subprocess.Popen(run_command(outs[1], *large), env=ENVIRONMENT, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 240
        while not parts_of(outs[1]) and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
    kept = {path: path.stat().st_mtime_ns for path in parts_of(outs[1])}
    assert 1 <= len(kept) < 3 and not outs[1].exists()
    shutil.copytree(folders[1], tmp_path / "kept")

    assert map_scene(*large, outs[1], ONE_FLIP, ALONE, folders[1] / "sure.tif") is True
    command = run_command(outs[2], *large, processes=2)
    call = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=240, check=False)
    assert (call.returncode, call.stdout) == (0, f"wrote {outs[2]}\n"), call.stderr
    assert call.stderr.count("scene.tif: windows: 0/") == 1
    contents = [{path.name: path.read_bytes() for path in folder.iterdir()} for folder in folders]
    assert sorted(contents[0]) == ["map.tif", "map.tif.aux.xml", "sure.tif"]
    assert contents[0] == contents[1] == contents[2]

    with pytest.raises(InputError, match=r"map\.tif\.parts: expected parts of the same map, found those of .*stride"):
        map_scene(*large, tmp_path / "kept" / "map.tif", SceneSettings(stride=0.9), ALONE)


def test_finished_parts_are_not_predicted_again(
    tmp_path: Path, write_model: WriteModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(map_parts, "ROWS", 32)
    inputs = write_scene(tmp_path / "scene.tif", radar(90, 40)), [write_model(tmp_path / "m" / "model.pth")]
    out = tmp_path / "map.tif"
    with (
        mock.patch.object(scene_module, "write_cloud_optimised", side_effect=KeyboardInterrupt),
        pytest.raises(KeyboardInterrupt),
    ):
        map_scene(*inputs, out, ONE_FLIP, ALONE)
    first, second, third = parts_of(out)
    second.unlink()
    kept = {path: path.stat().st_mtime_ns for path in (first, third)}
    with (
        mock.patch.object(scene_module, "write_cloud_optimised", side_effect=OSError(28, "No space left on device")),
        pytest.raises(InputError, match=r"map\.tif: could not be written \(No space left on device\); make room"),
    ):
        map_scene(*inputs, out, ONE_FLIP, ALONE)
    assert second.exists() and not out.exists()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert map_scene(*inputs, out, ONE_FLIP, ALONE) is True


def sar_model(path: Path, write_model: WriteModel, **preprocessor: Any) -> Path:
    """A model file with our preprocessor."""
    content = torch.load(write_model(path), weights_only=True)
    network = json.loads(content["network"])
    network["data_preprocessor"] = {"type": "SarPreprocessor", "mean": [80.0], "std": [40.0], **preprocessor}
    save_model(path, read_model_info(path), network, content["weights"])
    return path


def test_speckle_filters_and_other_types_are_supported(tmp_path: Path, write_model: WriteModel) -> None:
    model = sar_model(tmp_path / "m" / "model.pth", write_model, despeckle={"type": "lee"})
    image = radar(80, 70)
    for dtype in (np.uint8, np.uint16, np.float32):
        name = np.dtype(dtype).name
        scene = write_scene(tmp_path / f"{name}.tif", image.astype(dtype))
        map_scene(scene, [model], tmp_path / f"{name}_map.tif", ONE_FLIP, ALONE)
    maps = [read(tmp_path / f"{name}_map.tif") for name in ("uint8", "uint16", "float32")]
    assert len(np.unique(maps[0])) >= 2
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    thin = write_scene(tmp_path / "thin.tif", radar(2, 50))  # narrower than the filter
    map_scene(thin, [model], tmp_path / "thin_map.tif", ONE_FLIP, ALONE)
    assert read(tmp_path / "thin_map.tif").shape == (2, 50)


def test_declared_no_data_of_any_value_does_not_reach_the_network(tmp_path: Path, write_model: WriteModel) -> None:
    model = write_model(tmp_path / "m" / "model.pth")
    image = radar(70, 64).astype(np.float32)
    image[:20, :20] = 0
    zeros = write_scene(tmp_path / "zeros.tif", image, nodata=-1)  # no zero is declared, and the region is small
    image[:20, :20] = np.nan
    declared = write_scene(tmp_path / "declared.tif", image, nodata=np.nan)
    for scene in (zeros, declared):
        map_scene(scene, [model], tmp_path / f"{scene.stem}_map.tif", ONE_FLIP, ALONE)
    first, second = read(tmp_path / "zeros_map.tif"), read(tmp_path / "declared_map.tif")
    assert first.min() > 0 and (second[:20, :20] == 0).all()
    first[:20, :20] = 0
    np.testing.assert_array_equal(first, second)


def test_bf16_agrees_with_fp32(tmp_path: Path, write_model: WriteModel) -> None:
    scene, model = write_scene(tmp_path / "scene.tif", radar(96, 96)), write_model(tmp_path / "m" / "model.pth")
    for dtype in ("fp32", "bf16"):
        map_scene(
            scene, [model], tmp_path / f"{dtype}.tif", SceneSettings(dtype=dtype), ALONE, tmp_path / f"{dtype}_sure.tif"
        )
    full, half = read(tmp_path / "fp32.tif"), read(tmp_path / "bf16.tif")
    assert (full == half).mean() > 0.95
    assert not np.array_equal(read(tmp_path / "fp32_sure.tif"), read(tmp_path / "bf16_sure.tif"))


def test_what_can_not_be_mapped_is_told_in_one_line(tmp_path: Path, write_model: WriteModel) -> None:
    model = write_model(tmp_path / "m" / "model.pth")
    optical = write_model(tmp_path / "optical" / "model.pth", modality="optical")
    decibel = sar_model(tmp_path / "decibel" / "model.pth", write_model, unit="decibel")
    amplitude = sar_model(tmp_path / "amplitude" / "model.pth", write_model)
    scene = write_scene(tmp_path / "scene.tif", radar(40, 40))
    negative = write_scene(tmp_path / "negative.tif", np.linspace(-25, 5, 1600, dtype=np.float32).reshape(40, 40))
    linear = write_scene(tmp_path / "linear.tif", radar(40, 40).astype(np.float32))
    out = tmp_path / "map.tif"
    for arguments, message in (
        ((tmp_path / "absent.tif", [model], out), r"absent\.tif: expected a GeoTIFF, found none"),
        ((scene, [tmp_path / "absent.pth"], out), r"absent\.pth: expected a trained model, found none"),
        ((scene, [model, optical], out), r"optical/model\.pth: expected a SAR model, found one for optical images"),
        ((scene, [decibel], out), r"scene\.tif: expected decibels as float32, .*, found uint8; convert the image"),
        ((linear, [decibel], out), r"linear\.tif: expected decibels"),
        ((negative, [amplitude], out), r"negative\.tif: expected amplitude values of at least 0, found -25"),
        ((scene, [model], tmp_path / "map.png"), r"map\.png: expected a file name that ends in \.tif, found '\.png'"),
        ((scene, [model], tmp_path), r"expected a file name that ends in \.tif"),
        ((scene, [], out), r"--models: expected one class scheme, found none"),
    ):
        with pytest.raises(InputError, match=message) as error:
            map_scene(*arguments, ONE_FLIP, ALONE)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="expected another file than the map, found the same"):
        map_scene(scene, [model], out, ONE_FLIP, ALONE, tmp_path / "m" / ".." / "map.tif")
    with pytest.raises(InputError, match=r"--stride: expected a share of the window in \(0, 1\], found 0"):
        SceneSettings(stride=0)
    assert not out.exists() and not out.with_name("map.tif.parts").exists()


def test_a_scene_without_georeferencing_is_mapped_with_a_warning(
    tmp_path: Path, write_model: WriteModel, capsys: pytest.CaptureFixture[str]
) -> None:
    scene = write_scene(tmp_path / "scene.tif", radar(40, 40), crs=None, transform=None)
    map_scene(scene, [write_model(tmp_path / "m" / "model.pth")], tmp_path / "map.tif", ONE_FLIP, ALONE)
    warning = f"warning: {scene}: no georeferencing; the map will have none either\n"
    assert capsys.readouterr().err.count(warning) == 1
    with rasterio.open(tmp_path / "map.tif") as file:
        assert file.crs is None and file.transform.is_identity and file.shape == (40, 40)
