"""From grey values of SAR files to what a network sees: speckle filter, stretch, normalisation, bands."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from mmseg.models.data_preprocessor import SegDataPreProcessor
from mmseg.registry import MODELS
from torch import Tensor

from landcover.errors import InputError
from landcover.sar.speckle_filters import lee, refined_lee
from landcover.sar.stretch import check_stretch, stretch_values
from landcover.sar.units import UNITS, Unit, from_intensity, to_intensity

FILTERS: dict[str, Callable[..., Tensor]] = {"lee": lee, "refined_lee": refined_lee}


@MODELS.register_module()
class SarPreprocessor(SegDataPreProcessor):
    """mmseg's preprocessor for SAR images: filters, stretches and normalises every band, pads, repeats a single one.

    Everything happens on the device, on the bands that were loaded, on each alone. In training the speckle filter sees
    crops that were resized before; in prediction whole images at their own resolution.

    Args:
        mean: mean of the stretched values of every band that is loaded.
        std: their standard deviation.
        unit: what the values of the files are.
        bands: of the network: as many as are loaded, or 3 for networks that need one band three times.
        stretch: None, `{"type": "log", "floor": f}` for decibels of at least f (decibels stay as they are), or
            `{"type": "percentile", "low": a, "high": b}` for clipping; in grey values of the files. Of several bands
            f, a and b are lists.
        despeckle: None, `{"type": "lee", "window": 7, "looks": 4.0}` or `{"type": "refined_lee", "looks": 4.0}`, run on
            intensities before the stretch; arguments may be left out. See `landcover.sar.speckle_filters`.
        seg_pad_val: label of padding.
        size_divisor: images are padded with the mean value to a multiple of it in training.

    Raises:
        InputError: settings of another kind.
    """

    def __init__(
        self,
        mean: list[float],
        std: list[float],
        unit: Unit = "amplitude",
        bands: int = 1,
        stretch: dict[str, Any] | None = None,
        despeckle: dict[str, Any] | None = None,
        seg_pad_val: int = 255,
        size_divisor: int = 32,
    ) -> None:
        _check(mean, std, unit, bands)
        check_stretch(stretch, len(mean))
        _check_despeckle(despeckle)
        super().__init__(mean=mean[:1], std=std[:1], size_divisor=size_divisor, seg_pad_val=seg_pad_val)
        # mmengine's own check knows one band and three.
        self.mean, self.std = (torch.tensor(values, dtype=torch.float32).view(-1, 1, 1) for values in (mean, std))
        self._non_blocking = True  # mmseg's preprocessor has no argument for it; loaders beside a GPU pin their memory
        self.unit, self.bands, self.stretch, self.despeckle = unit, bands, stretch, despeckle

    def prepare(self, pixels: Tensor) -> Tensor:
        """Filtered and stretched values, float32, of the loaded bands, not normalised.

        Args:
            pixels: (B, loaded, H, W) or (loaded, H, W), uint8, uint16 or float32 as in the files.
        """
        if self.despeckle is not None:
            settings = dict(self.despeckle)
            despeckled = FILTERS[settings.pop("type")](to_intensity(pixels, self.unit), **settings)
            pixels = from_intensity(despeckled, self.unit)
        return stretch_values(pixels, self.stretch, self.unit)

    def normalise(self, pixels: Tensor) -> Tensor:
        """What the network gets of (B, loaded, H, W) or (loaded, H, W) grey values: float32; one band is not copied."""
        mean, std = self.mean.to(pixels.device), self.std.to(pixels.device)
        return self._repeated((self.prepare(pixels) - mean) / std)

    def forward(self, data: Mapping[str, Any], training: bool = False) -> dict[str, Any]:
        """A batch for the network: `normalise` of every image, padded on the right and below in training.

        Args:
            data: `inputs`, (loaded, H, W) grey values of every image, and `data_samples`.
            training: whether `data_samples` have labels that are padded too.
        """
        data = self.cast_data(data)
        prepared = [self.prepare(image) for image in data["inputs"]]
        batch = super().forward({**data, "inputs": prepared}, training)
        return {**batch, "inputs": self._repeated(batch["inputs"])}

    def _repeated(self, loaded: Tensor) -> Tensor:
        return loaded.expand(*loaded.shape[:-3], self.bands, *loaded.shape[-2:])


def _check(mean: list[float], std: list[float], unit: str, bands: int) -> None:
    if unit not in UNITS:
        raise InputError(f"sar.unit: expected one of {', '.join(UNITS)}, found {unit!r}; correct it in the config")
    if not mean or len(mean) != len(std) or not all(deviation > 0 for deviation in std):
        raise InputError(
            f"data_preprocessor: expected a mean and a std above 0 for every band of SAR images, found {mean} and "
            f"{std}; correct them in the config"
        )
    possible = (1, 3) if len(mean) == 1 else (len(mean),)
    if bands not in possible:
        words = " or ".join(map(str, possible))
        read = f"{len(mean)} band{'s' * (len(mean) > 1)} read"
        raise InputError(f"sar.bands: expected {words} for {read}, found {bands!r}; correct it in the config")


def _check_despeckle(despeckle: Mapping[str, Any] | None) -> None:
    if despeckle is None:
        return
    kind = despeckle.get("type") if isinstance(despeckle, Mapping) else None
    if kind not in FILTERS:
        raise InputError(
            f"sar.despeckle: expected None or a type of {' or '.join(map(repr, FILTERS))}, found {despeckle!r}; "
            "correct it in the config"
        )
    known = {"window", "looks"} if kind == "lee" else {"looks"}
    unknown = sorted(set(despeckle) - known - {"type"})
    if unknown:
        raise InputError(
            f"sar.despeckle: expected {' and '.join(sorted(known))} for type {kind!r}, found {unknown[0]!r}; "
            "correct it in the config"
        )
    window, looks = despeckle.get("window", 7), despeckle.get("looks", 4.0)
    if not (isinstance(window, int) and window >= 3 and window % 2):
        raise InputError(f"sar.despeckle: expected an odd window of at least 3, found {window!r}; correct it")
    if not (isinstance(looks, int | float) and looks > 0):
        raise InputError(f"sar.despeckle: expected looks above 0, found {looks!r}; correct it in the config")
