"""Trained models as ONNX files, each checked against the network that it was made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any
from warnings import catch_warnings, simplefilter

import torch
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.images.modality import ImageFile, each, main_file, names_of, parts_of, read_whole, size_of
from landcover.networks.exported_file import OUTPUT, SUFFIX, ExportedModel, read_exported
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import ModelInfo, load_model, read_network
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
    if out.suffix.lower() != SUFFIX:
        raise InputError(f"{out}: expected a file name that ends in {SUFFIX}, found {out.suffix!r}; change --out")
    if window is not None and window < DIVISOR:
        raise InputError(f"--window: expected at least {DIVISOR} pixels, found {window}; correct it")
    check_file(out, "--out", [model_path])
    for name in ("onnx", "onnxscript", "onnxruntime"):
        optional_package(name, str(out))
    model, info = load_model(model_path, CPU)
    info = replace(info, window=window or info.window)
    side = info.window + -info.window % DIVISOR
    exported = ExportedModel(info, side, read_network(model_path)["data_preprocessor"], digest(model_path))
    if out.exists():
        _check_same(out, exported)
        return None
    inputs = list(_tiles(model, info, side, images) if images else _noise(model, info, side))
    with torch.no_grad():
        expected = [model(batch, mode="tensor").softmax(1) for batch in inputs]
    with atomic_path(out) as temporary:
        _write(model, inputs[0], exported, temporary)
        network = ExportedNetwork(temporary)
        found = [network(batch).softmax(1) for batch in inputs]
        difference = max(float((ours - theirs).abs().max()) for ours, theirs in zip(found, expected, strict=True))
        if not difference <= TOLERANCE:
            raise InputError(
                f"{out}: expected the probabilities of {model_path} to {TOLERANCE:g}, found a difference of "
                f"{difference:.2g}; nothing was written, predict with the {model_path.suffix} file"
            )
    return difference


class _Graph(nn.Module):
    """A network with its images one after the other, as the exporter gives them."""

    def __init__(self, network: nn.Module, names: Sequence[str]) -> None:
        super().__init__()
        self.network, self.names = network, names

    def forward(self, *images: Tensor) -> Tensor:
        named = dict(zip(self.names, images, strict=True))
        logits: Tensor = self.network(named if len(named) > 1 else images[0], mode="tensor")
        return logits


def _write(model: nn.Module, batch: Any, exported: ExportedModel, path: Path) -> None:
    """Writes the graph that torch's exporter makes of a network when it sees `batch`."""
    names = names_of(exported.info.modality)
    images = tuple(part.contiguous() for part in parts_of(batch))
    try:
        with torch.no_grad(), catch_warnings():
            simplefilter("ignore", FutureWarning)  # of torch about itself
            program = torch.onnx.export(
                _Graph(model, names).eval(),
                images,
                input_names=names,
                output_names=[OUTPUT],
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path}: expected a network that torch {torch.__version__} can export, found one that it can not "
            f"({reason}); predict with the model.pth"
        ) from error
    assert program is not None, "the exporter of old returns none"
    # The exporter tells of every node where its code lies on this machine.
    optional_package("onnx_ir.passes.common", str(path)).ClearMetadataAndDocStringPass()(program.model)
    program.model.metadata_props.update(exported.metadata())
    program.save(path, external_data=False)


def _check_same(out: Path, exported: ExportedModel) -> None:
    """Raises `InputError` unless the file that is there was made of the same."""
    there = read_exported(out)
    if there != exported:
        changed = "window" if there.model_sha256 == exported.model_sha256 else "model"
        raise InputError(
            f"{out}: expected no file, or the same model exported, found one of another {changed}; choose another "
            "--out, or delete this one if nobody needs it"
        )


def _noise(model: nn.Module, info: ModelInfo, side: int) -> Iterator[Any]:
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


def _tiles(model: nn.Module, info: ModelInfo, side: int, images: Sequence[ImageFile]) -> Iterator[Any]:
    """The normalised middle of the first images."""
    for file in images[:CHECKED]:
        image, _ = read_whole(file, info.modality, info.bands, info.sar_type)
        sizes = size_of(image)
        if min(sizes) < side:
            raise InputError(
                f"{main_file(file)}: expected an image of at least {side} x {side} pixels, the window, found "
                f"{sizes[0]} x {sizes[1]}; pass larger ones, none, or a smaller --window"
            )
        middle = tuple(slice((size - side) // 2, (size - side) // 2 + side) for size in sizes)
        yield each(normalise(each(image, partial(to_tensor, device=CPU)), model), partial(_cut, middle=middle))


def _cut(bands: Tensor, middle: tuple[slice, ...]) -> Tensor:
    return bands[..., middle[0], middle[1]]
