"""The network of an exported model as a module, so that what predicts need not tell it from the trained one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from mmseg.registry import MODELS
from torch import Tensor, nn

from landcover.errors import InputError
from landcover.images.modality import names_of
from landcover.networks.engines import Engine, Precision, Run, start_engine
from landcover.networks.exported_file import read_exported


class ExportedNetwork(nn.Module):
    """Logits of an exported model, with the preprocessor of the trained one as `data_preprocessor`.

    The graph runs on the CPU, image by image, whatever the device of the images; under autocast to bf16 in bf16, if
    the engine can.

    Args:
        path: file of `landcover.networks.exported_file`.
        engine: what runs it.

    Shape:
        images (B, bands, h, w) float32, normalised, of the one size that the graph was made for, or a mapping from
        modality to such images; result: (B, C, h', w') float32 on their device.

    Raises:
        InputError: a file that is none, an engine that is not installed, and in `forward` images of another size.
    """

    def __init__(self, path: Path, engine: Engine = "onnxruntime") -> None:
        super().__init__()
        exported = read_exported(path)
        self.info, self._side = exported.info, exported.side
        self.data_preprocessor = MODELS.build(dict(exported.preprocessor))
        self._path, self._engine = path, engine
        self._runs: dict[Precision, Run] = {"fp32": start_engine(path, engine)}

    def forward(self, images: Any, mode: str = "tensor") -> Tensor:
        """Logits, see the class; `mode` is that of mmseg's segmentors."""
        named: Mapping[str, Tensor] = (
            images if isinstance(images, Mapping) else {names_of(self.info.modality)[0]: images}
        )
        first = next(iter(named.values()))
        if first.shape[-2:] != (self._side, self._side):
            raise InputError(
                f"{self._path}: expected windows of {self._side} x {self._side} pixels, the only size of an "
                f"exported model, found {first.shape[-2]} x {first.shape[-1]}: an image or view is smaller; pass the "
                "model.pth, or export with --window"
            )
        run = self._run(first.device.type)
        arrays = {name: part.float().cpu().contiguous().numpy() for name, part in named.items()}
        logits = [run({name: array[[n]] for name, array in arrays.items()}) for n in range(len(first))]
        return torch.cat([torch.from_numpy(part) for part in logits]).to(first.device)

    def _run(self, device: str) -> Run:
        precision: Precision = "bf16" if torch.is_autocast_enabled(device) else "fp32"
        if precision not in self._runs:
            self._runs[precision] = start_engine(self._path, self._engine, precision)
        return self._runs[precision]
