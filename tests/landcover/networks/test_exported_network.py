"""An exported model predicts like the trained one, whatever runs it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from landcover.errors import InputError
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import load_model

CPU = torch.device("cpu")


def windows(count: int, side: int = 64) -> torch.Tensor:
    return torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(3))


def expected(path: Path, images: torch.Tensor) -> torch.Tensor:
    with torch.no_grad():
        return load_model(path, CPU)[0](images, mode="tensor").softmax(1)


def test_several_windows_give_what_each_gives_alone(exported_pair: tuple[Path, Path]) -> None:
    network, images = ExportedNetwork(exported_pair[1]), windows(3)
    logits = network(images, mode="tensor")
    assert logits.shape == (3, 8, 16, 16) and logits.dtype == torch.float32
    assert torch.equal(logits[1:2], network(images[1:2]))
    assert (logits.softmax(1) - expected(exported_pair[0], images)).abs().max() < 1e-5


def test_openvino_gives_the_same_in_both_precisions(exported_pair: tuple[Path, Path]) -> None:
    pytest.importorskip("openvino", reason="the optional package openvino is not installed")
    network, images = ExportedNetwork(exported_pair[1], "openvino"), windows(1)
    probabilities = expected(exported_pair[0], images)
    assert (network(images).softmax(1) - probabilities).abs().max() < 1e-4
    with torch.autocast("cpu", torch.bfloat16):
        rounded = network(images).softmax(1)
    assert (rounded - probabilities).abs().mean() < 0.01


SIGNAL_AFTER_ENGINES = """
import gc, os, signal, sys
from pathlib import Path
from landcover.networks.engines import start_engine
first, second = (start_engine(Path(sys.argv[1]), "openvino") for _ in range(2))
del first
gc.collect()
del second
gc.collect()
signal.signal(signal.SIGUSR1, lambda *_: print("handled"))
os.kill(os.getpid(), signal.SIGUSR1)
"""


def test_a_process_handles_signals_after_its_engines_are_gone(exported_pair: tuple[Path, Path]) -> None:
    pytest.importorskip("openvino", reason="the optional package openvino is not installed")
    command = [sys.executable, "-c", SIGNAL_AFTER_ENGINES, str(exported_pair[1])]
    call = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (call.returncode, call.stdout) == (0, "handled\n"), call.stderr


def test_the_preprocessor_is_that_of_the_trained_model(exported_pair: tuple[Path, Path]) -> None:
    trained, exported = load_model(exported_pair[0], CPU)[0], ExportedNetwork(exported_pair[1])
    pixels = torch.arange(6, dtype=torch.uint8).reshape(1, 1, 2, 3)
    ours, theirs = (model.data_preprocessor.normalise(pixels) for model in (exported, trained))
    assert torch.equal(ours, theirs) and float(ours[0, 0, 0, 2]) == pytest.approx((2 - 60) / 40)


def test_windows_of_another_size_and_bf16_where_there_is_none_are_refused(exported_pair: tuple[Path, Path]) -> None:
    network = ExportedNetwork(exported_pair[1])
    with pytest.raises(
        InputError, match=r"model\.onnx: expected windows of 64 x 64 pixels, .* found 32 x 32: an image"
    ):
        network(windows(1, 32))
    with torch.autocast("cpu", torch.bfloat16), pytest.raises(InputError, match=r"expected fp32 for ONNX Runtime"):
        network(windows(1))


def test_damaged_and_foreign_files_are_refused(exported_pair: tuple[Path, Path], tmp_path: Path) -> None:
    import onnx

    path = tmp_path / "model.onnx"
    with pytest.raises(InputError, match=r"expected an exported model, found none; make one with python -m tools\.exp"):
        ExportedNetwork(path)
    for content in (b"no graph", exported_pair[1].read_bytes()[:-100]):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"model\.onnx: expected a(n ONNX file| model exported by)") as told:
            ExportedNetwork(path)
        assert "\n" not in str(told.value)
    shutil.copy(exported_pair[1], path)
    model = onnx.load(path)
    del model.metadata_props[:]
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"expected a model exported by tools\.export_model \(landcover-onnx-1\), fou"):
        ExportedNetwork(path)
    model = onnx.load(exported_pair[1])
    model.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(model, path)
    with pytest.raises(InputError, match=r"expected a graph that onnxruntime [\d.]+ runs, found one that it refuses"):
        ExportedNetwork(path)
