"""One predictor of a segmentor of optical and one of SAR images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch.nn.functional as F
from mmengine.model import BaseModel
from mmseg.models.segmentors import EncoderDecoder
from mmseg.registry import MODELS
from torch import Tensor

from landcover.images.modality import Modality

BRANCHES: tuple[Modality, Modality] = ("optical", "sar")


@MODELS.register_module()
class BranchMean(BaseModel):
    """Two segmentors of one place, each of its own modality, whose mean log-probability is the prediction.

    It has no parameters of its own. `modality = "optical+sar"`: images are mappings, each normalised by its branch's
    rules.

    Args:
        optical: config of the segmentor of optical images.
        sar: config of the segmentor of SAR images, of as many classes.

    Attributes:
        optical: the segmentor.
        sar: likewise.
    """

    def __init__(self, optical: Mapping[str, Any], sar: Mapping[str, Any]) -> None:
        preprocessors = {"optical": optical["data_preprocessor"], "sar": sar["data_preprocessor"]}
        super().__init__(data_preprocessor={"type": "MultimodalPreprocessor", "preprocessors": preprocessors})
        self.optical: EncoderDecoder = MODELS.build(optical)
        self.sar: EncoderDecoder = MODELS.build(sar)

    def init_weights(self) -> None:
        """Initialises both branches."""
        self.optical.init_weights()
        self.sar.init_weights()

    def branch(self, modality: Modality) -> EncoderDecoder:
        """The segmentor of one modality."""
        return self.optical if modality == "optical" else self.sar

    def forward(self, inputs: Mapping[str, Tensor], data_samples: Any = None, mode: str = "tensor") -> Tensor:
        """Logits (B, C, h, w) of normalised images (B, bands, H, W) by modality; the other arguments are mmengine's."""
        del data_samples, mode
        return mean_logits(*(self.branch(name)(inputs[name], mode="tensor") for name in BRANCHES))


def mean_logits(optical: Tensor, sar: Tensor) -> Tensor:
    """Logits of the mean of two predictions' log-probabilities, at the size of `sar`.

    They are the mean of the logits: what that lacks, a pixel's normalisation, is the same for all classes.

    Args:
        optical: (B, C, h, w).
        sar: (B, C, H, W).
    """
    return (resized_logits(optical, sar) + sar) / 2


def resized_logits(logits: Tensor, like: Tensor) -> Tensor:
    """Logits (B, C, h, w) at the size of `like`; those of this size already are not copied."""
    size = like.shape[-2:]
    if logits.shape[-2:] == size:
        return logits
    return F.interpolate(logits, size=size, mode="bilinear", align_corners=False)
