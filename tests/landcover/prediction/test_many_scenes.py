"""Folders of scenes: what is mapped, left alone or told of, by one process and by two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest
import torch
from sar_scenes import radar, read_map, write_scene

from landcover.errors import InputError
from landcover.prediction import many_scenes
from landcover.prediction.many_scenes import Outcome, SceneFolders, map_scenes
from landcover.prediction.scene import map_scene
from landcover.prediction.scene_models import SceneSettings
from landcover.processes.group import Processes

ALONE = Processes(rank=0, world=1, device=torch.device("cpu"))
ONE_FLIP = SceneSettings()
WriteModel = Callable[..., Path]


@pytest.fixture
def scenes(tmp_path: Path) -> dict[str, Path]:
    """Three scenes, of which the second one is damaged."""
    paths = {name: tmp_path / "scenes" / f"{name}.tif" for name in "abc"}
    for seed, path in enumerate(paths.values()):
        write_scene(path, radar(64, 48 + 16 * seed, seed))
    paths["b"].write_bytes(b"no image")
    return paths


@pytest.fixture
def model(tmp_path: Path, write_model: WriteModel) -> Path:
    return write_model(tmp_path / "m" / "model.pth")


def test_a_scene_that_can_not_be_mapped_keeps_no_other_from_it_and_finished_ones_are_left_alone(
    tmp_path: Path, scenes: dict[str, Path], model: Path
) -> None:
    folders = SceneFolders(tmp_path / "maps", confidence=tmp_path / "sure")
    with mock.patch.object(many_scenes, "load_any_model", wraps=many_scenes.load_any_model) as load:
        outcome = map_scenes(scenes, [model], folders, ONE_FLIP, ALONE)
    assert (sorted(outcome.written), outcome.there, list(outcome.failed)) == (["a", "c"], [], ["b"])
    assert outcome.failed["b"].startswith(f"{scenes['b']}: ") and load.call_count == 1
    map_scene(scenes["c"], [model], tmp_path / "c.tif", ONE_FLIP, ALONE, tmp_path / "sure_c.tif")
    assert (folders.out / "c.tif").read_bytes() == (tmp_path / "c.tif").read_bytes()
    assert (tmp_path / "sure" / "c.tif").read_bytes() == (tmp_path / "sure_c.tif").read_bytes()
    assert read_map(folders.out / "a.tif").shape == (64, 48)

    changed = {path: path.stat().st_mtime_ns for path in folders.out.glob("?.tif")}
    write_scene(scenes["b"], radar(64, 64, seed=1))
    again = map_scenes(scenes, [model], folders, ONE_FLIP, ALONE)
    assert (again.written, sorted(again.there), again.failed) == (["b"], ["a", "c"], {})
    assert {path: path.stat().st_mtime_ns for path in changed} == changed


def _map_in_a_group(processes: Processes, *arguments: Any) -> Outcome:
    return map_scenes(*arguments, processes)


def test_two_processes_share_the_scenes_and_both_know_what_became_of_all(
    tmp_path: Path, scenes: dict[str, Path], model: Path, in_two_processes: Callable[..., list[Any]]
) -> None:
    together = SceneFolders(tmp_path / "together")
    first, second = in_two_processes(_map_in_a_group, scenes, [model], together, ONE_FLIP)
    assert first == second
    assert (sorted(first.written), list(first.failed)) == (["a", "c"], ["b"])
    map_scenes(scenes, [model], SceneFolders(tmp_path / "alone"), ONE_FLIP, ALONE)
    for name in ("a.tif", "c.tif"):
        assert (tmp_path / "together" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes()


def test_the_largest_scene_comes_first(tmp_path: Path, scenes: dict[str, Path], model: Path) -> None:
    order: list[str] = []

    def mapped(path: Path, *_: object, quiet: bool) -> bool:
        order.append(path.stem)
        return not quiet

    with mock.patch.object(many_scenes, "map_scene", mapped):
        map_scenes(
            {**scenes, "absent": tmp_path / "absent.tif"}, [model], SceneFolders(tmp_path / "maps"), ONE_FLIP, ALONE
        )
    assert order == ["c", "a", "b", "absent"]


def test_what_is_wrong_for_all_scenes_is_told_once() -> None:
    outcome = Outcome(failed={"c": "m.pth: wrong", "a": "m.pth: wrong", "b": "b.tif: damaged"})
    assert outcome.reasons() == {"m.pth: wrong": ["a", "c"], "b.tif: damaged": ["b"]}


def test_a_scene_without_its_optical_image_is_told(tmp_path: Path, scenes: dict[str, Path], model: Path) -> None:
    folders = SceneFolders(tmp_path / "maps", optical=tmp_path / "rgb")
    write_scene(tmp_path / "rgb" / "a.tif", np.stack([radar(64, 48)] * 3, axis=-1))
    outcome = map_scenes({name: scenes[name] for name in "ac"}, [model], folders, ONE_FLIP, ALONE)
    assert outcome.written == ["a"]
    assert outcome.failed == {"c": f"{tmp_path / 'rgb' / 'c'}.tif: expected the optical image of the scene, found none"}


def test_folders_and_models_that_can_not_be_used_are_told_before_anything_is_mapped(
    tmp_path: Path, scenes: dict[str, Path], model: Path
) -> None:
    maps, of_scenes = tmp_path / "maps", tmp_path / "scenes"
    for folders, models, message in (
        (SceneFolders(of_scenes), [model], r"--out .*scenes: expected a folder for maps alone, found scenes such as "),
        (SceneFolders(maps, maps), [model], r"--confidence .*: expected a folder for maps alone, found the folder of"),
        (SceneFolders(maps, optical=maps), [model], r"--out .*: expected a folder for maps alone, found the optical"),
        (SceneFolders(maps, optical=tmp_path / "no"), [model], r"no: expected a folder of images, found none"),
        (SceneFolders(model), [model], r"model\.pth: expected a folder to write to, found that .* is none"),
        (SceneFolders(maps), [tmp_path / "no.pth"], r"no\.pth: expected a trained model, found none"),
    ):
        with pytest.raises(InputError, match=message):
            map_scenes(scenes, models, folders, ONE_FLIP, ALONE)
    assert not maps.exists()
