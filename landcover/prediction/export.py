"""Trained models as ONNX files, each checked against the network that it was made of."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.images.modality import ImageFile, each, main_file, names_of, read_whole, size_of
from landcover.networks.exported_file import OUTPUT, SUFFIX, ExportedModel, read_exported
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import ModelInfo, load_model, read_model_info, read_network
from landcover.networks.multimodal_preprocessor import MultimodalPreprocessor
from landcover.optional_packages import optional_package
from landcover.prediction.sliding_window import DIVISOR, normalise, to_tensor
from landcover.run_files.atomic import atomic_path
from landcover.run_files.manifest import digest
from landcover.run_files.writable import check_file
from landcover.sar.preprocessor import SarPreprocessor

TOLERANCE = 1e-4
"""Largest difference of a probability between the exported and the trained network."""

CHECKED = 4
"""Number of windows on which the two are compared."""

CPU = torch.device("cpu")


def export_to_onnx(
    model_path: Path, out: Path, window: int | None = None, images: Sequence[ImageFile] = ()
) -> float | None:
    """Writes an exported model; its graph maps normalised windows of one size to logits, in float32.

    Before the file gets its name, ONNX Runtime runs it on windows that the trained network sees too.

    Args:
        model_path: file of `landcover.networks.model_file`.
        out: file to write, see `landcover.networks.exported_file`.
        window: side of the windows in prediction, pixels; None for that of the training.
        images: to compare the networks on, the middle of the first `CHECKED`; none for noise with the mean and
            deviation of the training images.

    Returns:
        Largest difference of a probability; None if the file is there, made of the same model for the same window.

    Raises:
        InputError: a model that can not be used or exported, packages that are not installed, images that are no larger
            than the window, a file that is there and another, or networks that differ by more than `TOLERANCE`.
    """
    _check_arguments(model_path, out, window)
    info = read_model_info(model_path)
    info = replace(info, window=window or info.window)
    side = info.window + -info.window % DIVISOR
    exported = ExportedModel(info, side, read_network(model_path)["data_preprocessor"], digest(model_path))
    if out.exists():
        _check_same(out, exported)
        return None
    model, _ = load_model(model_path, CPU)
    inputs = list(middles(model, info, side, images[:CHECKED]) if images else _noise(model, side))
    expected = _probabilities(model, inputs)
    program = _program(model, names_of(info.modality), inputs[0], model_path)
    program.model.metadata_props.update(exported.metadata())
    with atomic_path(out) as temporary:
        program.save(temporary, external_data=False)
        found = _probabilities(ExportedNetwork(temporary), inputs)
        difference = max(float((ours - theirs).abs().max()) for ours, theirs in zip(found, expected, strict=True))
        if not difference <= TOLERANCE:
            raise InputError(
                f"{out}: expected the probabilities of {model_path} to {TOLERANCE:g}, found a difference of "
                f"{difference:.2g}; nothing was written, predict with {model_path}"
            )
    return difference


def middles(model: nn.Module, info: ModelInfo, side: int, images: Sequence[ImageFile]) -> Iterator[Any]:
    """The normalised middle of every image, (1, bands, side, side), or a mapping from modality to such.

    Raises:
        InputError: an image that can not be read or is smaller.
    """
    for file in images:
        image, _ = read_whole(file, info.modality, info.bands, info.sar_type)
        sizes = size_of(image)
        if min(sizes) < side:
            raise InputError(
                f"{main_file(file)}: expected an image of at least {side} x {side} pixels, the window, found "
                f"{sizes[0]} x {sizes[1]}; pass larger ones, none, or a smaller --window"
            )
        middle = tuple(slice((size - side) // 2, (size - side) // 2 + side) for size in sizes)
        yield each(normalise(each(image, partial(to_tensor, device=CPU)), model), partial(_cut, middle=middle))


class _Graph(nn.Module):
    """A network with its images one after the other, as the exporter gives them."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *images: Tensor) -> Tensor:
        named = dict(zip(self.names, images, strict=True))
        logits: Tensor = self.network(named if len(named) > 1 else images[0], mode="tensor")
        return logits


def _program(model: nn.Module, names: Sequence[str], batch: Any, path: Path) -> torch.onnx.ONNXProgram:
    """What torch's exporter makes of the network of the file `path` when it sees `batch`."""
    parts = [batch[name] for name in names] if isinstance(batch, Mapping) else [batch]
    images, graph = tuple(part.contiguous() for part in parts), _Graph(model, names).eval()
    try:
        with torch.no_grad(), _quiet():
            program = torch.onnx.export(
                graph, images, input_names=names, output_names=[OUTPUT], dynamo=True, verbose=False
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path}: expected a network that torch {torch.__version__} can export, found one that it can not "
            f"({reason}); predict with this file"
        ) from error
    assert program is not None, "only the exporter of old returns none"
    # The exporter notes for every node where its code lies on this machine.
    optional_package("onnx_ir.passes.common", str(path)).ClearMetadataAndDocStringPass()(program.model)
    return program


@torch.no_grad()
def _probabilities(network: nn.Module, inputs: Sequence[Any]) -> list[Tensor]:
    return [network(batch, mode="tensor").softmax(1) for batch in inputs]


def _check_arguments(model_path: Path, out: Path, window: int | None) -> None:
    if out.suffix.lower() != SUFFIX:
        raise InputError(f"{out}: expected a file name that ends in {SUFFIX}, found {out.suffix!r}; change --out")
    if window is not None and window < DIVISOR:
        raise InputError(f"--window: expected at least {DIVISOR} pixels, found {window}; correct it")
    check_file(out, "--out", [model_path])
    for name in ("onnx", "onnxscript", "onnxruntime"):
        optional_package(name, str(out))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keeps what torch and its exporter tell of themselves from the user."""
    exporter = logging.getLogger("onnxscript")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with catch_warnings():
            simplefilter("ignore", FutureWarning)
            yield
    finally:
        exporter.setLevel(level)


def _check_same(out: Path, exported: ExportedModel) -> None:
    """Raises `InputError` unless the file that is there was made of the same."""
    there = read_exported(out)
    if there != exported:
        changed = "window" if there.model_sha256 == exported.model_sha256 else "model"
        raise InputError(
            f"{out}: expected no file, or the same model exported, found one of another {changed}; choose another "
            "--out, or delete this one if nobody needs it"
        )


def _noise(model: nn.Module, side: int) -> Iterator[Any]:
    """Windows of normal noise, as normalised images."""
    generator = torch.Generator().manual_seed(0)
    preprocessor = model.get_submodule("data_preprocessor")
    for _ in range(CHECKED):
        if isinstance(preprocessor, MultimodalPreprocessor):
            parts = preprocessor.preprocessors.items()
            yield {name: _noisy_window(part, side, generator) for name, part in parts}
        else:
            yield _noisy_window(preprocessor, side, generator)


def _noisy_window(preprocessor: nn.Module, side: int, generator: torch.Generator) -> Tensor:
    """(1, bands, side, side) float32; a single SAR band is repeated as its preprocessor does."""
    loaded = torch.randn((1, preprocessor.get_buffer("mean").numel(), side, side), generator=generator)
    return loaded.expand(-1, preprocessor.bands, -1, -1) if isinstance(preprocessor, SarPreprocessor) else loaded


def _cut(bands: Tensor, middle: tuple[slice, ...]) -> Tensor:
    return bands[..., middle[0], middle[1]]
