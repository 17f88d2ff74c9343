"""SAR files of types that few programs write: trained on and mapped as the measurements that they hold."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import torch
from numpy.typing import NDArray
from sar_scenes import read_map, write_scene

from landcover.images.raster import read_sar
from landcover.networks.model_file import load_model
from stage2_sar_seg.train_sar_models import main as train
from tools.map_scene import main as map_scene
from tools.map_tiles import main as map_tiles

RunMain = Callable[..., tuple[int, str]]


def decibels(amplitude: NDArray[np.float64]) -> NDArray[np.float64]:
    return 20 * np.log10(np.maximum(amplitude, 1) / 255) - 1


KINDS: dict[str, tuple[str, Callable[[NDArray[np.float64]], NDArray[Any]], float]] = {
    "int16 hundredths of decibels": ("decibel", lambda a: np.rint(100 * decibels(a)).astype(np.int16), 0.01),
    "float64 decibels": ("decibel", decibels, 1.0),
    "float32 halves of decibels": ("decibel", lambda a: (2 * decibels(a)).astype(np.float32), 0.5),
    "complex": ("amplitude", lambda a: (a * np.exp(1j * a)).astype(np.complex64), 1.0),
    "int32 amplitudes": ("amplitude", lambda a: a.astype(np.int32), 1.0),
}


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_trained_on_and_mapped(
    run_main: RunMain,
    demo_root: Path,
    tiny_model: Path,
    label_folder: Path,
    tmp_path: Path,
    kind: str,
) -> None:
    unit, stored, scale = KINDS[kind]
    data, values = Path(shutil.copytree(demo_root / "DFC2025Track1", tmp_path / "dfc")), []
    for path in sorted(data.glob("*/sar_images/*.tif")):
        amplitude = read_sar(path).pixels.astype(np.float64) + 1
        with rasterio.open(path) as file:
            place = {"crs": file.crs, "transform": file.transform}
        write_scene(path, stored(amplitude), **place)
        with rasterio.open(path, "r+") as file:
            file.scales = (scale,)
        if path.parents[1].name == "train":
            values.append(decibels(amplitude) if unit == "decibel" else amplitude)
    words = f"{tiny_model} --dfc-root {data} --labels {label_folder} --run-dir {tmp_path / 'run'}".split()
    options = [f"sar.unit={unit}", "train_dataloader.dataset.augmentations=[]"]
    code, told = run_main(train, *words, *(word for option in options for word in ("--option", option)))
    assert code == 0, told
    model_path = tmp_path / "run/sar_models/tiny/model.pth"
    model, info = load_model(model_path, torch.device("cpu"))
    assert model.data_preprocessor.mean.item() == pytest.approx(np.concatenate(values).mean(), rel=1e-3)
    assert info.sar is not None and info.sar.dtype == "float32"

    images = data / "test/sar_images"
    scene = sorted(images.iterdir())[0]
    for main, source, out in (
        (map_tiles, ["--images", images], tmp_path / "maps"),
        (map_scene, ["--scene", scene], tmp_path / "map.tif"),
    ):
        assert run_main(main, *source, "--models", model_path, "--out", out)[0] == 0
    as_float = write_scene(tmp_path / "float" / scene.name, read_sar(scene).pixels)
    assert run_main(map_tiles, "--images", as_float.parent, "--models", model_path, "--out", tmp_path / "same")[0] == 0
    labels = read_map(tmp_path / "maps" / scene.name)
    np.testing.assert_array_equal(labels, read_map(tmp_path / "same" / scene.name))
    assert labels.min() >= 1 and read_map(tmp_path / "map.tif").min() >= 1
