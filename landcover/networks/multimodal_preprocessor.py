"""Preprocessing of images of several modalities, each by its own rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mmengine.model import BaseDataPreprocessor
from mmseg.registry import MODELS
from torch import nn


@MODELS.register_module()
class MultimodalPreprocessor(BaseDataPreprocessor):
    """Gives every modality to its own preprocessor; the network gets a mapping from modality to (B, bands, H, W).

    Args:
        preprocessors: configs of preprocessors of one modality, by its name.
    """

    def __init__(self, preprocessors: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(non_blocking=True)
        self.preprocessors = nn.ModuleDict({name: MODELS.build(dict(part)) for name, part in preprocessors.items()})

    def forward(self, data: Mapping[str, Any], training: bool = False) -> dict[str, Any]:
        """A batch for the network.

        Args:
            data: `inputs`, by modality the grey values (bands, H, W) of every image, and `data_samples`.
            training: whether images and labels are padded.
        """
        data = self.cast_data(data)  # once, not once for every modality
        samples = data.get("data_samples")
        batches = {}
        for name, preprocessor in self.preprocessors.items():
            # A preprocessor pads the labels that it is given.
            own = None if samples is None else [sample.clone() for sample in samples]
            batches[name] = preprocessor({"inputs": data["inputs"][name], "data_samples": own}, training)
        first = next(iter(batches.values()))
        return {
            "inputs": {name: batch["inputs"] for name, batch in batches.items()},
            "data_samples": first["data_samples"],
        }
