"""The command that maps a scene, as a user calls it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from mmseg.registry import MODELS
from stages import ROOT

from landcover.classes import OPEN_EARTH_MAP
from landcover.networks.model_file import ModelInfo, save_model
from tools.benchmarks._scenes import TINY_NETWORK, write_scene
from tools.map_scene import main

RunMain = Callable[..., tuple[int, str]]


@pytest.fixture
def inputs(registered: None, tmp_path: Path) -> list[Path]:
    """A scene and a model."""
    torch.manual_seed(0)
    write_scene(tmp_path / "scene.tif", 100)
    network = MODELS.build(TINY_NETWORK)
    info = ModelInfo("tiny", "sar", OPEN_EARTH_MAP, 64)
    save_model(tmp_path / "model.pth", info, TINY_NETWORK, network.state_dict())
    return [tmp_path / "scene.tif", tmp_path / "model.pth"]


def test_a_map_is_written_once(run_main: RunMain, inputs: list[Path], tmp_path: Path) -> None:
    out, sure = tmp_path / "maps" / "map.tif", tmp_path / "maps" / "sure.tif"
    words = ["--scene", inputs[0], "--models", inputs[1], "--out", out, "--flips", "none", "both", "--stride", "0.75"]
    assert run_main(main, *words) == (0, f"wrote {out}\n")
    assert run_main(main, *words) == (0, f"is there: {out}\n")
    assert run_main(main, *words, "--confidence", sure) == (0, f"wrote {out}\n")
    with rasterio.open(out) as labels, rasterio.open(sure) as confidence, rasterio.open(inputs[0]) as scene:
        assert labels.shape == confidence.shape == (100, 100)
        assert labels.crs == confidence.crs == scene.crs
        assert set(np.unique(labels.read(1))) <= set(range(1, 9))
        assert set(np.unique(confidence.read(1))) <= set(range(12, 101))


def test_mistakes_are_told_in_one_line(run_main: RunMain, inputs: list[Path], tmp_path: Path) -> None:
    scene, model = inputs
    for words, expected in (
        (
            (tmp_path / "absent.tif", model, "map.tif"),
            f"error: {tmp_path / 'absent.tif'}: expected an image file, found no",
        ),
        ((scene, scene, "map.tif"), f"error: {scene}: expected a model file of this project, found something else"),
        ((scene, model, "map.jpg"), f"error: {tmp_path / 'map.jpg'}: expected a file name that ends in .tif, found"),
        ((scene, model, "scene.tif"), f"error: {scene}: expected a file to write, found that it is an input; choose"),
    ):
        code, message = run_main(main, "--scene", words[0], "--models", words[1], "--out", tmp_path / words[2])
        assert code == 2 and message.startswith(expected), message
    code, message = run_main(main, "--scene", scene, "--models", model, "--out", tmp_path / "map.tif", "--stride", 2)
    assert (code, message[:60]) == (2, "error: --stride: expected a share of the window in (0, 1], f")


def test_many_scenes_are_mapped_into_a_folder_and_a_bad_one_is_told_at_the_end(
    run_main: RunMain, inputs: list[Path], tmp_path: Path
) -> None:
    scene, model = inputs
    os.utime(scene, (1, 1))  # files written a moment ago are read again
    listing, maps = tmp_path / "list.txt", tmp_path / "maps"
    listing.write_text("scene.tif\nabsent.tif\nmodel.pth\n")
    words = ["--scenes", listing, "--models", model, "--out", maps]
    code, message = run_main(main, *words)
    assert (code, message[:24]) == (1, "error: not mapped: model") and (maps / "scene.tif").is_file()
    listing.write_text("scene.tif\nabsent.tif\n")
    code, message = run_main(main, *words)
    assert code == 1
    assert message.startswith(f"error: not mapped: absent: {tmp_path / 'absent.tif'}: expected an image file, found no")
    assert str(scene) in (maps / "digests.json").read_text()
    counts = "maps written, 1 were there, 0 failed"
    assert run_main(main, *words[:2], "--share", "2/2", *words[2:]) == (0, f"{maps}: 0 {counts}\n")
    assert run_main(main, "--scenes", scene, *words[2:]) == (0, f"{maps}: 0 {counts}\n")
    code, message = run_main(main, "--scene", scene, "--share", "1/2", *words[2:])
    assert (code, message[:44]) == (2, "error: --share: expected --scenes to share o")


def test_the_shell_command_passes_everything_on_and_runs_several_processes(inputs: list[Path], tmp_path: Path) -> None:
    out = tmp_path / "map.tif"
    words = ["--scene", inputs[0], "--models", inputs[1], "--out", out]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": "", "GPUS": "2"}
    command = ["bash", str(ROOT / "tools" / "map_scene.sh"), *map(str, words)]
    call = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert (call.returncode, call.stdout) == (0, f"wrote {out}\n"), call.stderr
    with rasterio.open(out) as file:
        assert np.unique(file.read(1)).min() >= 1
