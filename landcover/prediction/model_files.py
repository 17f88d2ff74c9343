"""Models that predict, by the kind of their file: trained ones (`.pth`), and exported ones (`.onnx`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from landcover.errors import InputError
from landcover.images.source import Bands
from landcover.networks.engines import Engine
from landcover.networks.exported_file import EXPORTED_NAME, SUFFIX, read_exported
from landcover.networks.exported_network import ExportedNetwork
from landcover.networks.model_file import ModelInfo, load_model, model_or_pack, read_model_info


def model_in(folder: Path, engine: Engine | None) -> Path:
    """The file in the folder of a training, or its pack; with an engine the exported model."""
    return model_or_pack(folder) if engine is None else folder / EXPORTED_NAME


def read_any_info(path: Path) -> ModelInfo:
    """What a user of the model in a file must know.

    Raises:
        InputError: missing, or of neither kind.
    """
    return read_exported(path).info if _is_exported(path) else read_model_info(path)


def load_any_model(path: Path, device: torch.device, engine: Engine | None = None) -> tuple[nn.Module, ModelInfo]:
    """What maps normalised images to logits, with its `data_preprocessor`, and its `ModelInfo`.

    Args:
        path: the file.
        device: of a trained network; an exported one runs on the CPU.
        engine: what runs exported ones, ONNX Runtime if None.

    Raises:
        InputError: as `load_model` and `ExportedNetwork`, or an engine for a trained model.
    """
    if _is_exported(path):
        network = ExportedNetwork(path, engine or "onnxruntime").eval()
        return network, network.info
    if engine is not None:
        raise InputError(
            f"{path}: expected an exported model ({SUFFIX}) for --engine {engine}, found another file; "
            "make one with python -m tools.export_model, or leave --engine out"
        )
    return load_model(path, device)


def common_reading(paths: Sequence[Path]) -> tuple[Bands, str | None]:
    """How all of these models read SAR images: their bands, and their `ModelInfo.sar_type` if that is one.

    Raises:
        InputError: they read different ones, or a file is no model file.
    """
    infos = [read_any_info(path) for path in paths]
    bands = [info.bands for info in infos]
    for path, found in zip(paths, bands, strict=True):
        if found != bands[0]:
            raise InputError(
                f"{path}: expected a model that reads {_named(bands[0])} of SAR files as {paths[0]}, found one "
                f"of {_named(found)}; pass models of the same bands, or average their score files"
            )
    types = {info.sar_type for info in infos}
    return bands[0] if bands else (), types.pop() if len(types) == 1 else None


def _is_exported(path: Path) -> bool:
    return path.suffix.lower() == SUFFIX


def _named(bands: Bands) -> str:
    return ", ".join(f"band {band}" for band in bands) or "the only band"
