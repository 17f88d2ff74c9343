"""What an exported model's file (ONNX) tells beside its graph: how to use it, and what it was made of.

The graph takes normalised images. Prediction normalises before it scales views and pads windows with the mean, and
filters speckle in the whole image; a graph that began with grey values could do none of that as it is done with the
trained model. How grey values are prepared stands in the file as the preprocessor's settings.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landcover.errors import InputError
from landcover.networks.model_file import MODEL_NAME, ModelInfo
from landcover.optional_packages import optional_package

FORMAT = "landcover-onnx-1"

SUFFIX = ".onnx"

EXPORTED_NAME = Path(MODEL_NAME).with_suffix(SUFFIX).name
"""Name of an exported model beside the model file of a training."""

OUTPUT = "logits"
"""Name of the graph's output, (1, C, h, w) at the network's own resolution; inputs bear the names of modalities."""


@dataclass(frozen=True)
class ExportedModel:
    """What the file tells.

    Args:
        info: as in the model file; the window is the one that the graph was made for.
        side: of the graph's square images, the only size it takes, pixels: the window, padded as prediction pads it.
        preprocessor: config (mmseg MODELS registry) of what makes the graph's inputs of grey values, JSON values.
        model_sha256: digest of the model file that was exported.
    """

    info: ModelInfo
    side: int
    preprocessor: Mapping[str, Any]
    model_sha256: str

    def metadata(self) -> dict[str, str]:
        """As metadata of an ONNX file."""
        return {
            "format": FORMAT,
            "info": self.info.json(),
            "side": str(self.side),
            "preprocessor": json.dumps(self.preprocessor),
            "model_sha256": self.model_sha256,
        }


def read_exported(path: Path) -> ExportedModel:
    """What an exported model tells; its graph is not run.

    Raises:
        InputError: missing, not a file of `tools.export_model`, or the package onnx is not installed.
    """
    if not path.is_file():
        raise InputError(
            f"{path}: expected an exported model, found {'a folder' if path.is_dir() else 'none'}; "
            f"make one with python -m tools.export_model {path.with_name(MODEL_NAME)}, or check the path"
        )
    onnx = optional_package("onnx", str(path))
    try:
        found = {entry.key: entry.value for entry in onnx.load(path, load_external_data=False).metadata_props}
    except Exception as error:  # whatever the parser raises on damaged or foreign files
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise InputError(f"{path}: expected an ONNX file, found something else ({reason}); export it again") from error
    if found.get("format") != FORMAT:
        raise InputError(
            f"{path}: expected a model exported by tools.export_model ({FORMAT}), found an ONNX file of another "
            f"origin; export the {MODEL_NAME} of a finished training"
        )
    info, preprocessor = ModelInfo.of_json(found["info"], path), json.loads(found["preprocessor"])
    return ExportedModel(info, int(found["side"]), preprocessor, found["model_sha256"])
