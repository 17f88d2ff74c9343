"""Exported models give the probabilities of the trained ones, or are not written."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from tiny_networks import ROOT

from landcover.classes import OPEN_EARTH_MAP
from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.networks.exported_file import read_exported
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import load_model, read_model_info
from landcover.prediction import export
from landcover.prediction.export import TOLERANCE, export_to_onnx
from landcover.run_files.manifest import digest
from tools.benchmarks._random_models import write_random_model

CPU = torch.device("cpu")
DEMO = sorted((ROOT / "configs" / "demo").glob("sar_*.py"))
CONTEST = sorted((ROOT / "configs" / "stage2").glob("*.py"))


def largest_difference(model_path: Path, exported: Path, window: int) -> float:
    """Of a probability, on a window that the export has not seen."""
    image = torch.randn(1, 1, window, window, generator=torch.Generator().manual_seed(7))
    model, _ = load_model(model_path, CPU)
    with torch.no_grad():
        expected = model(image, mode="tensor").softmax(1)
    assert expected.amax(1).mean() > 1.5 / OPEN_EARTH_MAP.num_classes  # not all classes alike
    return float((ExportedNetwork(exported)(image).softmax(1) - expected).abs().max())


# 96: three positions in the deepest map, which 2 and 6 cells of the pyramid share unevenly.
@pytest.mark.parametrize("config", DEMO, ids=lambda path: path.stem)
def test_the_networks_of_the_demo_are_exported(exported_pair: None, config: Path, tmp_path: Path) -> None:
    model = write_random_model(config, tmp_path / "model.pth", 96)
    found = export_to_onnx(model, tmp_path / "model.onnx")
    assert found is not None and found <= TOLERANCE
    assert largest_difference(model, tmp_path / "model.onnx", 96) <= TOLERANCE


@pytest.mark.slow
@pytest.mark.parametrize("config", CONTEST, ids=lambda path: path.stem)
def test_the_networks_of_the_contest_are_exported(exported_pair: None, config: Path, tmp_path: Path) -> None:
    model = write_random_model(config, tmp_path / "model.pth", 160, ["pretrained=None"])
    assert export_to_onnx(model, tmp_path / "model.onnx") is not None
    assert largest_difference(model, tmp_path / "model.onnx", 160) <= TOLERANCE


def test_the_file_tells_how_to_use_it_and_what_it_was_made_of(exported_pair: tuple[Path, Path]) -> None:
    model, exported = exported_pair
    told = read_exported(exported)
    assert told.info == read_model_info(model)
    assert (told.side, told.preprocessor["mean"], told.model_sha256) == (64, [60.0], digest(model))


def test_the_file_tells_nothing_of_the_machine(exported_pair: tuple[Path, Path]) -> None:
    content = exported_pair[1].read_bytes()
    assert b"landcover-onnx-1" in content
    assert str(ROOT).encode() not in content and b"site-packages" not in content


def test_the_same_model_gives_the_same_bytes_and_is_not_exported_twice(
    exported_pair: tuple[Path, Path], tmp_path: Path
) -> None:
    model, exported = exported_pair
    again = tmp_path / "again.onnx"
    assert export_to_onnx(model, again) is not None
    assert again.read_bytes() == exported.read_bytes()
    assert export_to_onnx(model, again) is None
    with pytest.raises(InputError, match=r"again\.onnx: expected no file, or the same model exported, found one of an"):
        export_to_onnx(model, again, window=96)


def test_a_window_that_is_no_multiple_of_the_deepest_stride_is_padded_as_in_prediction(
    exported_pair: tuple[Path, Path], tmp_path: Path
) -> None:
    images = [tmp_path / "a.tif"]
    write_raster(images[0], np.random.default_rng(0).integers(1, 200, (70, 80), dtype=np.uint8))
    assert export_to_onnx(exported_pair[0], tmp_path / "model.onnx", 50, images) is not None
    told = read_exported(tmp_path / "model.onnx")
    assert (told.info.window, told.side) == (50, 64)


class OtherProgram:
    """What the exporter would make of a network, were it another one."""

    def __init__(self, path: Path) -> None:
        self.path, self.model = path, SimpleNamespace(metadata_props={})

    def save(self, path: Path, external_data: bool) -> None:
        shutil.copy(self.path, path)


def test_a_graph_that_differs_is_refused_and_nothing_is_left(
    exported_pair: tuple[Path, Path], write_model: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = write_model(tmp_path / "other" / "model.pth", window=64)  # one band, as the graph
    monkeypatch.setattr(export, "_program", lambda *_: OtherProgram(exported_pair[1]))
    with pytest.raises(InputError, match=r"model\.onnx: expected the probabilities of .* to 0\.0001, found a diff"):
        export_to_onnx(other, tmp_path / "out" / "model.onnx")
    assert not any((tmp_path / "out").iterdir())


def test_a_network_that_torch_can_not_export_is_told_in_one_line(exported_pair: tuple[Path, Path]) -> None:
    class Branching(torch.nn.Module):
        def forward(self, images: torch.Tensor, mode: str) -> torch.Tensor:
            return images if images.sum() > 0 else -images

    with pytest.raises(InputError, match=r"model\.pth: expected a network that torch .* can export, found") as told:
        export._program(Branching(), ["sar"], torch.ones(1, 1, 4, 4), exported_pair[0])
    assert "\n" not in str(told.value)


def test_what_can_not_be_exported_is_told(exported_pair: tuple[Path, Path], tmp_path: Path) -> None:
    model, out = exported_pair[0], tmp_path / "model.onnx"
    write_raster(tmp_path / "small.tif", np.ones((70, 60), np.uint8))
    for arguments, expected in (
        ((model, tmp_path / "model.pt"), r"expected a file name that ends in \.onnx, found '\.pt'; change --out"),
        ((model, out, 20), "--window: expected at least 32 pixels, found 20"),
        ((model, out, None, [tmp_path / "small.tif"]), r"small\.tif: expected an image of at least 64 x 64 pixels"),
        ((tmp_path / "no.pth", out), r"no\.pth: expected a trained model, found none"),
    ):
        with pytest.raises(InputError, match=expected):
            export_to_onnx(*arguments)
    assert not out.exists()


def test_missing_packages_are_told(
    exported_pair: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(InputError, match=r"expected the package onnxscript, .*pip install -r tools/optional_requ"):
        export_to_onnx(exported_pair[0], tmp_path / "model.onnx")
