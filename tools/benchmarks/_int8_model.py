"""Exported models with 8-bit convolutions and products, as ONNX Runtime's quantiser makes them."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.optional_packages import optional_package

OPERATORS = ["Conv", "MatMul"]
"""What is computed in 8 bits; norms, softmax and activations stay in float32."""


class _Windows:
    """Windows on which the ranges of activations are measured, one by one, as the quantiser asks for them."""

    def __init__(self, name: str, windows: Sequence[NDArray[np.float32]]) -> None:
        self._rest = iter([{name: window} for window in windows])

    def get_next(self) -> dict[str, NDArray[np.float32]] | None:
        return next(self._rest, None)


def write_int8(exported: Path, out: Path, windows: Sequence[NDArray[np.float32]]) -> Path:
    """Writes `exported` in 8 bits: one scale for every output channel of weights, one for every activation.

    Args:
        exported: file of `landcover.networks.exported_file`, of a model of one modality.
        out: file to write; tells the same as `exported`.
        windows: (1, bands, side, side) normalised images that show the ranges of activations.
    """
    onnx = optional_package("onnx", str(out))
    quantisation = optional_package("onnxruntime.quantization", str(out))
    logging.getLogger().setLevel(logging.ERROR)  # it asks for steps that torch's exporter has done
    original = onnx.load(exported)
    quantisation.quantize_static(
        exported,
        out,
        _Windows(original.graph.input[0].name, windows),
        op_types_to_quantize=OPERATORS,
        per_channel=True,
        weight_type=quantisation.QuantType.QInt8,
        activation_type=quantisation.QuantType.QUInt8,
    )
    written = onnx.load(out)
    del written.metadata_props[:]
    written.metadata_props.extend(original.metadata_props)
    onnx.save(written, out)
    return out
