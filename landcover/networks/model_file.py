"""Trained models as one portable file: weights, how to build the network, and how to use it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import torch
from mmengine.model import revert_sync_batchnorm
from mmseg.registry import MODELS
from torch import nn

from landcover.classes import ClassScheme
from landcover.classes.scheme_file import scheme_of_record
from landcover.errors import InputError
from landcover.images.modality import Modality
from landcover.images.source import Bands
from landcover.networks.model_pack import PACK_SUFFIX, read_pack
from landcover.run_files.atomic import atomic_path
from landcover.sar.training_values import TrainingValues

FORMAT = "landcover-model-1"

MODEL_NAME = "model.pth"
"""Name of the model file in the folder of a training."""


@dataclass(frozen=True)
class ModelInfo:
    """What a user of a trained model must know.

    Args:
        name: name of the model, as in the profile.
        modality: which images it reads.
        scheme: classes of its outputs; the file carries their names and colours.
        window: side of the training crop, used as prediction window, pixels.
        sar: what the SAR images of its training held; None for models that read none, and for older files.
    """

    name: str
    modality: Modality
    scheme: ClassScheme
    window: int
    sar: TrainingValues | None = None

    @property
    def bands(self) -> Bands:
        """Which bands it reads of SAR images; empty for the only one."""
        return () if self.sar is None else self.sar.bands

    @property
    def sar_type(self) -> str | None:
        """Type of its training images: SAR files that store it are read as stored. None if it is not known.

        Float32 is what all other types become, and tells nothing of how the files of the training were scaled.
        """
        return None if self.sar is None or self.sar.dtype == "float32" else self.sar.dtype

    def json(self) -> str:
        """As JSON text."""
        return json.dumps({**asdict(self), "scheme": self.scheme.record()})

    @staticmethod
    def of_json(text: str, path: Path) -> ModelInfo:
        """What `json` made of it, in the file `path`."""
        content = json.loads(text)
        sar = content.get("sar")
        values = None if sar is None else TrainingValues.of_json(sar)
        return ModelInfo(**{**content, "scheme": scheme_of_record(content["scheme"], path), "sar": values})


def save_model(path: Path, info: ModelInfo, network: dict[str, Any], weights: dict[str, torch.Tensor]) -> None:
    """Writes a model file, atomically.

    Args:
        path: file to write.
        info: see `ModelInfo`.
        network: config of the segmentor (mmseg MODELS registry), JSON values.
        weights: its state dict.
    """
    content = {
        "format": FORMAT,
        "info": info.json(),
        "network": json.dumps(network),
        "weights": {key: value.detach().cpu().contiguous() for key, value in weights.items()},
    }
    # Given a path, torch writes the temporary name with its process number into the file.
    with atomic_path(path) as temporary, temporary.open("wb") as file:
        torch.save(content, file)


def model_or_pack(folder: Path) -> Path:
    """The model file in the folder of a training, or the pack `<name>.zip` beside or in place of that folder."""
    pack = folder.with_name(f"{folder.name}{PACK_SUFFIX}")
    return pack if pack.is_file() and not (folder / MODEL_NAME).is_file() else folder / MODEL_NAME


def read_model_info(path: Path) -> ModelInfo:
    """The `ModelInfo` of a model file."""
    return ModelInfo.of_json(read_content(path)["info"], path)


def read_network(path: Path) -> dict[str, Any]:
    """Config of the segmentor of a model file (mmseg MODELS registry), JSON values."""
    network: dict[str, Any] = json.loads(read_content(path)["network"])
    return network


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a model file by name, on the CPU.

    Raises:
        InputError: missing, or not a model file.
    """
    weights: dict[str, torch.Tensor] = read_content(path)["weights"]
    return weights


def load_model(path: Path, device: torch.device) -> tuple[nn.Module, ModelInfo]:
    """The network of a model file, in eval mode on `device`, and its `ModelInfo`.

    Raises:
        InputError: missing, not a model file, of an unknown class scheme, or weights that do not fit.
    """
    content = read_content(path)
    info = ModelInfo.of_json(content["info"], path)
    try:
        model = revert_sync_batchnorm(MODELS.build(json.loads(content["network"])))
    except KeyError as error:  # of a class that nobody has registered
        raise InputError(
            f"{path}: the network can not be built ({str(error.args[0]).splitlines()[0]}); name the Python module that "
            "registers its classes in PLUGINS"
        ) from error
    try:
        model.load_state_dict(content["weights"])
    except RuntimeError as error:
        reason = str(error).splitlines()[-1].strip()
        raise InputError(f"{path}: the weights do not fit the network ({reason}); retrain the model") from error
    return model.to(device).eval(), info


def read_content(path: Path) -> dict[str, Any]:
    """Content of a model file or of a pack of it, read without running any code in it (`weights_only`).

    Raises:
        InputError: missing, or neither of them.
    """
    if path.is_dir():
        inside = path / MODEL_NAME
        cure = f"pass {inside}" if inside.is_file() else f"pass the {MODEL_NAME} of a finished training"
        raise InputError(f"{path}: expected a model file, found a folder; {cure}")
    if not path.is_file():
        raise InputError(
            f"{path}: expected a trained model, found none; run the training stage first, or check the path"
        )
    if path.suffix == PACK_SUFFIX:
        return _checked(read_pack(path), path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle and zip raise whatever they like on damaged or foreign files
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        if isinstance(error, UnpicklingError):
            reason = "damaged, or written by another program"
        raise InputError(
            f"{path}: expected a model file of this project, found something else ({reason}); pass the {MODEL_NAME} "
            "of a finished training, or train the model again"
        ) from error
    return _checked(content, path)


def _checked(content: object, path: Path) -> dict[str, Any]:
    """The content, if it is that of a model file."""
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise InputError(
            f"{path}: expected a model file ({FORMAT}), found {_kind(content)}; pass the {MODEL_NAME} of a finished "
            "training of this project"
        )
    return content


def _kind(content: object) -> str:
    """What a file of torch holds, for the message."""
    if not isinstance(content, dict):
        return f"a {type(content).__name__}"
    if "state_dict" in content:
        return "a checkpoint of mmengine or mmsegmentation"
    return f"the format {content['format']!r}" if "format" in content else "another dictionary"
