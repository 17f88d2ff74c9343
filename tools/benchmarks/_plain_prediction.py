"""Prediction as mmseg does it: three equal bands, slide mode, one view after the other."""

from __future__ import annotations

import json
from pathlib import Path

import mmcv
import numpy as np
import torch
from mmengine.config import ConfigDict
from mmseg.models.segmentors import EncoderDecoder
from mmseg.models.utils import resize
from mmseg.registry import MODELS
from numpy.typing import NDArray
from torch import Tensor

from landcover.networks.model_file import load_model
from landcover.prediction.views import View

BANDS = 3
"""In which plain mmseg reads a grey image."""


def plain_model(path: Path, stride: float) -> EncoderDecoder:
    """mmseg's network of three bands in slide mode, with the weights of a model file of one band.

    Args:
        path: file of a SegFormer for SAR.
        stride: step between windows as a share of the window.
    """
    ours, info = load_model(path, torch.device("cpu"))
    network = json.loads(torch.load(path, weights_only=True)["network"])
    statistics = network["data_preprocessor"]
    network["data_preprocessor"] = {
        "type": "SegDataPreProcessor",
        "mean": statistics["mean"] * BANDS,
        "std": statistics["std"] * BANDS,
    }
    network["backbone"].update(type="MixVisionTransformer", in_channels=BANDS)
    network["decode_head"].update(type="SegformerHead")
    network["test_cfg"] = {"mode": "slide", "crop_size": [info.window] * 2, "stride": [round(info.window * stride)] * 2}
    model = MODELS.build(ConfigDict(network))
    weights = ours.state_dict()
    first = next(name for name in weights if name.startswith("backbone."))
    model.load_state_dict({**weights, first: weights[first].expand(-1, BANDS, -1, -1) / BANDS})
    return model.eval()


def plain_logits(model: EncoderDecoder, image: NDArray[np.float32], view: View, dtype: str) -> Tensor:
    """(1, C, H, W) logits of one view of an image (H, W, bands), as mmseg's transforms and slide mode make them.

    mmseg scales uint8 images; float32, its option `to_float32`, does not round.
    """
    height, width = image.shape[:2]
    rows, columns = view.size(height, width)
    scaled = mmcv.imresize(image, (columns, rows))
    batch = {"inputs": [view.mirror(torch.from_numpy(scaled).permute(2, 0, 1)).contiguous()]}
    inputs = model.data_preprocessor(batch)["inputs"]
    with torch.autocast(inputs.device.type, torch.bfloat16, enabled=dtype == "bf16"):
        logits = model.slide_inference(inputs, [{"img_shape": inputs.shape[2:], "ori_shape": (height, width)}])
    return resize(view.mirror(logits.float()), (height, width), mode="bilinear", align_corners=False)
