from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sar_scenes import radar, read_map, write_scene

from landcover.errors import InputError
from landcover.networks.model_file import read_model_info, save_model
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.processes.group import Processes

ALONE = Processes(rank=0, world=1, device=torch.device("cpu"))
ONE_FLIP = SceneSettings()
WriteModel = Callable[..., Path]


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
    maps = [read_map(tmp_path / f"{name}_map.tif") for name in ("uint8", "uint16", "float32")]
    assert len(np.unique(maps[0])) >= 2
    np.testing.assert_array_equal(maps[0], maps[1])
    np.testing.assert_array_equal(maps[0], maps[2])
    thin = write_scene(tmp_path / "thin.tif", radar(2, 50))  # narrower than the filter
    map_scene(thin, [model], tmp_path / "thin_map.tif", ONE_FLIP, ALONE)
    assert read_map(tmp_path / "thin_map.tif").shape == (2, 50)


def test_bf16_agrees_with_fp32(tmp_path: Path, write_model: WriteModel) -> None:
    scene, model = write_scene(tmp_path / "scene.tif", radar(96, 96)), write_model(tmp_path / "m" / "model.pth")
    for dtype in ("fp32", "bf16"):
        map_scene(
            scene, [model], tmp_path / f"{dtype}.tif", SceneSettings(dtype=dtype), ALONE, tmp_path / f"{dtype}_sure.tif"
        )
    full, half = read_map(tmp_path / "fp32.tif"), read_map(tmp_path / "bf16.tif")
    assert (full == half).mean() > 0.95
    assert not np.array_equal(read_map(tmp_path / "fp32_sure.tif"), read_map(tmp_path / "bf16_sure.tif"))


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
        ((tmp_path / "absent.tif", [model], out), r"absent\.tif: expected an image file, found none"),
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
