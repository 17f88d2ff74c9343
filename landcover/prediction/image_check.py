"""Whether images are like those that a model was trained on: refused if not possible, warned of if far from them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn
from tqdm import tqdm

from landcover.errors import InputError, shorten
from landcover.images.modality import Image, ImageFile, main_file, part_of
from landcover.networks.model_file import ModelInfo
from landcover.networks.multimodal_preprocessor import MultimodalPreprocessor
from landcover.processes.group import Processes
from landcover.sar.preprocessor import SarPreprocessor
from landcover.sar.units import Unit, check_values

CURE = "the map may be wrong; use a model trained on such images, or convert them to the values of its training"


class ImageCheck:
    """Looks at images before models predict them.

    An image is warned of once, whichever models read it: the first one as soon as it is met, all others of a call in
    one line at the end, however many processes there are.

    Args:
        processes: those that share the images.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._told: dict[Path, str] = {}  # by file, those that this process has met

    def check(
        self, image: Image, no_data: NDArray[np.bool_], file: ImageFile, model: nn.Module, info: ModelInfo
    ) -> None:
        """Looks at one image that a model is going to predict.

        Args:
            image: as read, of the model's modality.
            no_data: bool (H, W), pixels that do not count.
            file: of the image.
            model: the network.
            info: of the model.

        Raises:
            InputError: a SAR image that can not be in the unit of the model's training images.
        """
        preprocessor, pixels = _sar_preprocessor(model), part_of(image, info.modality, "sar")
        if preprocessor is None or pixels is None:
            return
        path = main_file(file)
        _check_unit(pixels, preprocessor.unit, path, info.name)
        if info.sar is None or path in self._told:
            return
        differences = info.sar.differences(pixels[~no_data], preprocessor.unit, info.name)
        if differences:
            self._told[path] = differences
            if self._processes.first and len(self._told) == 1:
                _warn(f"{path}: {differences}; {CURE}")

    def finish(self) -> None:
        """Tells of the images that were not told of yet; all processes must call it."""
        found: dict[Path, str] = {}
        for told in self._processes.gather(self._told):
            found.update(told)
        if not self._processes.first:
            return
        others = list(found)[1:]
        if found and not self._told:  # another process has met the first one
            path = next(iter(found))
            _warn(f"{path}: {found[path]}; {CURE}")
        if others:
            names = shorten(sorted(path.name for path in others))
            count = f"{len(others)} more images are" if len(others) > 1 else "1 more image is"
            _warn(f"{count} unlike the training images: {names}")


def _sar_preprocessor(model: nn.Module) -> SarPreprocessor | None:
    """The part of a model that prepares SAR images, if there is one."""
    preprocessor: Any = model.get_submodule("data_preprocessor")
    if isinstance(preprocessor, MultimodalPreprocessor):
        preprocessor = preprocessor.get_submodule("preprocessors.sar")
    return preprocessor if isinstance(preprocessor, SarPreprocessor) else None


def _check_unit(image: NDArray[Any], unit: Unit, path: Path, model: str) -> None:
    """Refuses a SAR image that can not be in the unit of the model's training images."""
    if unit == "decibel" and image.dtype != np.float32:
        raise InputError(
            f"{path}: expected decibels as float32, on which {model} was trained, found {image.dtype}; "
            "convert the image, or train a model on such images"
        )
    try:
        check_values(image, unit, path)
    except InputError as error:
        raise InputError(f"{error} for a new training, or convert the image: {model} was trained on {unit}") from None


def _warn(text: str) -> None:
    tqdm.write(f"warning: {text}", file=sys.stderr)  # above a progress bar, if one is shown
    sys.stderr.flush()
