"""Models as ONNX files, exported and used as a user does."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from stages import ROOT

from landcover.images.raster import read_raster, write_raster
from landcover.networks.model_file import load_model
from tools.benchmarks._scenes import write_scene
from tools.export_model import main
from tools.map_scene import main as map_scene
from tools.map_tiles import main as map_tiles

RunMain = Callable[..., tuple[int, str]]
ENGINES = (None, "openvino")


@pytest.fixture(params=ENGINES, ids=lambda engine: engine or "by default")
def engine_words(request: pytest.FixtureRequest) -> list[str]:
    """Arguments that choose an engine."""
    if request.param is None:
        return []
    pytest.importorskip(request.param, reason=f"the optional package {request.param} is not installed")
    return ["--engine", request.param]


def share_of_equal(first: Path, second: Path) -> float:
    maps: list[NDArray[np.generic]] = [read_raster(path).pixels for path in (first, second)]
    assert len(np.unique(maps[0])) > 2
    return float((maps[0] == maps[1]).mean())


def test_a_model_is_exported_beside_itself_once(
    run_main: RunMain, exported_pair: tuple[Path, Path], tmp_path: Path
) -> None:
    model, out = tmp_path / "model.pth", tmp_path / "model.onnx"
    model.write_bytes(exported_pair[0].read_bytes())
    (tmp_path / "tiles").mkdir()
    write_scene(tmp_path / "tiles" / "a.tif", 100)
    code, told = run_main(main, model, "--images", tmp_path / "tiles")
    assert code == 0 and told.startswith(f"wrote {out}, 0.") and told.endswith("on 1 images\n")
    assert out.read_bytes() == exported_pair[1].read_bytes()
    assert run_main(main, model) == (0, f"is there: {out}\n")
    code, told = run_main(main, model, "--window", 128)
    assert code == 2 and told.startswith(f"error: {out}: expected no file, or the same model exported, found one of")


def test_a_scene_from_an_exported_model_equals_that_from_the_trained_one(
    run_main: RunMain, exported_pair: tuple[Path, Path], engine_words: list[str], tmp_path: Path
) -> None:
    scene = tmp_path / "scene.tif"
    write_scene(scene, 200)
    trained, exported = exported_pair
    words = ["--scene", scene, "--flips", "none", "both"]
    assert run_main(map_scene, *words, "--models", trained, "--out", tmp_path / "trained.tif")[0] == 0
    out = tmp_path / "exported.tif"
    assert run_main(map_scene, *words, "--models", exported, "--out", out, *engine_words) == (0, f"wrote {out}\n")
    assert share_of_equal(tmp_path / "trained.tif", out) >= 0.999


def test_tiles_from_both_kinds_of_files_average_as_two_of_one_kind(
    run_main: RunMain, exported_pair: tuple[Path, Path], tmp_path: Path
) -> None:
    write_scene(tmp_path / "tiles.tif", 100)
    (tmp_path / "tiles").mkdir()
    (tmp_path / "tiles.tif").rename(tmp_path / "tiles" / "a.tif")
    trained, exported = exported_pair
    words = ["--images", tmp_path / "tiles", "--batch", "2"]
    for out, models in (("trained", [trained, trained]), ("mixed", [trained, exported])):
        assert run_main(map_tiles, *words, "--models", *models, "--out", tmp_path / out)[0] == 0
    assert share_of_equal(tmp_path / "trained" / "a.tif", tmp_path / "mixed" / "a.tif") >= 0.999


def test_the_document_tells_how_to_use_the_file_without_this_repository(
    exported_pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(exported_pair[1].parent)
    (code,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "maps.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    network, _ = load_model(exported_pair[0], torch.device("cpu"))
    with torch.no_grad():
        image = network.data_preprocessor.normalise(torch.full((1, 1, 64, 64), 70, dtype=torch.uint8))
        expected = network(image, mode="tensor")
    assert np.allclose(names["logits"], expected.numpy(), atol=1e-4)
    assert names["labels"].shape == (16, 16) and names["names"][7] == "building"


def test_mistakes_are_told_in_one_line(run_main: RunMain, exported_pair: tuple[Path, Path], tmp_path: Path) -> None:
    trained, exported = exported_pair
    (tmp_path / "tiles").mkdir()
    write_raster(tmp_path / "tiles" / "a.tif", np.full((30, 30), 9, np.uint8))
    cases: list[tuple[Path, list[str], str]] = [
        (trained, ["--engine", "onnxruntime"], f"{trained}: expected an exported model (.onnx) for --engine onnxrunt"),
        (exported, ["--engine", "tvm"], "ENGINE: expected onnxruntime or openvino, found 'tvm'; correct it"),
        (exported, ["--dtype", "bf16", "--scales", "2"], f"{exported}: expected fp32 for ONNX Runtime, which has no "),
        (exported, [], f"{exported}: expected windows of 64 x 64 pixels, the only size of an exported model, found 32"),
    ]
    for number, (model, words, expected) in enumerate(cases):
        out = tmp_path / f"maps_{number}"
        code, told = run_main(map_tiles, "--images", tmp_path / "tiles", "--models", model, "--out", out, *words)
        assert (code, told[: len(expected) + 7]) == (2, f"error: {expected}")
