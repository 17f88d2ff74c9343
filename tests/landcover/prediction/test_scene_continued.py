"""Maps of scenes that are there, of something else, or half done."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from unittest import mock

import pytest
import torch
from sar_scenes import radar, write_scene

from landcover.errors import InputError
from landcover.prediction import map_parts
from landcover.prediction import scene as scene_module
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.processes.group import Processes

ROOT = Path(__file__).parents[3]
ALONE = Processes(rank=0, world=1, device=torch.device("cpu"))
ONE_FLIP = SceneSettings()
WriteModel = Callable[..., Path]

ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}


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
        ((scene, [model], other_scene, ONE_FLIP), "of unknown origin"),
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
    for told in ((28, "No space left on device"), ("No space left on device\nin block 7",)):
        with (
            mock.patch.object(scene_module, "write_cloud_optimised", side_effect=OSError(*told)),
            pytest.raises(InputError, match=r"map\.tif: could not be written \(No space left on device\); make room"),
        ):
            map_scene(*inputs, out, ONE_FLIP, ALONE)
    assert second.exists() and not out.exists()
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert map_scene(*inputs, out, ONE_FLIP, ALONE) is True
