"""An open raster, read window by window: the values of some bands, and where the file says that they are none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags, Resampling
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from landcover.errors import InputError
from landcover.images.grid import grid_of
from landcover.images.no_data import Raster, in_all_bands, in_any_band, no_measurement
from landcover.images.opening import opened, unreadable
from landcover.images.segments import Area

Bands = tuple[int | str, ...]
"""Bands of a file, by number from 1 or by description; empty for all that are no alpha."""

AS_STORED = (np.uint8, np.uint16, np.float32)
"""Types in which values are handed on; measurements of all others become float32."""


@contextmanager
def open_source(
    path: Path, bands: Bands = (), measured: bool = False, as_stored: str | None = None
) -> Iterator[RasterSource]:
    """Opens a raster of any format that GDAL reads, see `RasterSource`.

    Raises:
        InputError: missing, unreadable, or without one of the bands.
    """
    with opened(path) as file:
        yield RasterSource(path, file, bands, measured, as_stored)


class RasterSource:
    """An open raster.

    Args:
        path: its file, for messages.
        file: the same, open.
        bands: see `Bands`.
        measured: whether values are measurements of all bands: scale and offset of the file are applied, complex
            numbers become amplitudes, types other than `AS_STORED` float32, and a pixel is missing if one band is. If
            not, values come as they are stored, and a pixel is missing if all bands are, as in colour images.
        as_stored: type of which measurements come as they are stored, whatever scale and offset the file has: that of
            the images that a model was trained on, if it knows this type alone.
    """

    def __init__(
        self,
        path: Path,
        file: DatasetReader,
        bands: Bands = (),
        measured: bool = False,
        as_stored: str | None = None,
    ) -> None:
        self.path, self.grid, self._file, self._measured = path, grid_of(file), file, measured
        self.bands = band_numbers(path, file, bands)
        self._alpha = next((n for n, kind in enumerate(file.colorinterp, 1) if kind == ColorInterp.alpha), None)
        self._scales = np.array([file.scales[n - 1] for n in self.bands])
        self._offsets = np.array([file.offsets[n - 1] for n in self.bands])
        self._as_stored = as_stored
        self._stored = np.result_type(*(_type_of(file.dtypes[n - 1]) for n in self.bands))
        zero = [self._declares_zero(n) for n in self.bands]
        self.zeros_declared = all(zero)
        self._masked = [
            n
            for n, is_zero in zip(self.bands, zero, strict=True)
            if MaskFlags.all_valid not in file.mask_flag_enums[n - 1] and not is_zero
        ]

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the values that `read` gives."""
        return np.dtype(np.float32) if self._measured and self._converts else self._stored

    def read(self, area: Area | None = None) -> Raster:
        """Values and missing pixels of a window inside of the image, or of the whole; values are 0 where missing.

        Raises:
            InputError: the file is damaged there.
        """
        window = None if area is None else Window.from_slices(*area)
        return self._read(window=window)

    def sample(self, side: int) -> Raster:
        """Every n-th pixel in both directions, at most `side` x `side`."""
        step = -(-max(self.grid.height, self.grid.width) // side)
        return self._read(out_shape=(-(-self.grid.height // step), -(-self.grid.width // step)))

    @property
    def _converts(self) -> bool:
        if self._stored in AS_STORED and self._stored == self._as_stored:
            return False
        scaled = bool((self._scales != 1).any() or (self._offsets != 0).any())
        return scaled or self._stored not in AS_STORED

    def _read(self, window: Window | None = None, out_shape: tuple[int, int] | None = None) -> Raster:
        try:
            return self._raster(window, out_shape)
        except RasterioError as error:
            raise unreadable(self.path, error) from error

    def _raster(self, window: Window | None, out_shape: tuple[int, int] | None) -> Raster:
        options: dict[str, Any] = {"window": window, "resampling": Resampling.nearest}
        if out_shape is not None:
            options["out_shape"] = (len(self.bands), *out_shape)
        values: NDArray[Any] = self._file.read(self.bands, **options)
        lacking = no_measurement(values)
        if self._masked:
            if out_shape is not None:
                options["out_shape"] = (len(self._masked), *out_shape)
            declared = np.zeros(values.shape, dtype=bool)
            places = [self.bands.index(n) for n in self._masked]
            declared[places] = self._file.read_masks(self._masked, **options) == 0
            lacking = declared if lacking is None else lacking | declared
        of_bands = in_any_band if self._measured else in_all_bands
        missing = None if lacking is None else of_bands(lacking, 0)
        if self._alpha is not None:
            transparent = self._file.read(self._alpha, **{**options, "out_shape": out_shape}) == 0
            missing = transparent if missing is None else missing | transparent
        if missing is not None and not missing.any():
            missing = None
        return Raster(self._handed_on(values, missing), missing, self.zeros_declared)

    def _handed_on(self, values: NDArray[Any], missing: NDArray[np.bool_] | None) -> NDArray[Any]:
        """(H, W) or (H, W, C) of (C, H, W)."""
        if self._measured and self._converts:
            values = measurements(values, self._scales[:, None, None], self._offsets[:, None, None])
        if missing is not None:
            values[:, missing] = 0
        return values[0] if len(values) == 1 else np.ascontiguousarray(values.transpose(1, 2, 0))

    def _declares_zero(self, band: int) -> bool:
        """Whether 0 of an integer band is its only sign of no data, see `landcover.images.no_data`."""
        flags = self._file.mask_flag_enums[band - 1]
        integer = _type_of(self._file.dtypes[band - 1]).kind in "iu"
        return integer and MaskFlags.nodata in flags and self._file.nodatavals[band - 1] == 0


def measurements(values: NDArray[Any], scale: Any = 1.0, offset: Any = 0.0) -> NDArray[np.float32]:
    """Float32 amplitudes of complex numbers, or values times scale plus offset."""
    if values.dtype.kind == "c":
        values = np.abs(values)
    return (values.astype(np.float64) * scale + offset).astype(np.float32)


def band_numbers(path: Path, file: DatasetReader, bands: Bands) -> list[int]:
    """Numbers of bands in an open raster, from 1.

    Raises:
        InputError: there is no band of that number or description.
    """
    values = _of_values(file)
    names = {text.strip().lower(): n for n, text in enumerate(file.descriptions, 1) if text}
    numbers = []
    for band in bands:
        number = band if isinstance(band, int) else names.get(band.strip().lower())
        if number not in values:
            listed = ", ".join(
                f"{n} ({file.descriptions[n - 1]})" if file.descriptions[n - 1] else f"{n}" for n in values
            )
            raise InputError(
                f"{path}: expected a band {band}, found bands {listed}; correct sar.band or sar.bands, "
                "or pass a file with the bands of the model's training"
            )
        numbers.append(number)
    return numbers or values


def band_names(path: Path) -> tuple[str, ...]:
    """Description, or number, of every band of a file that is no alpha: what `Bands` takes."""
    with opened(path) as file:
        return tuple((file.descriptions[n - 1] or "").strip() or f"{n}" for n in _of_values(file))


def _of_values(file: DatasetReader) -> list[int]:
    """Numbers of all bands that are no alpha, from 1."""
    return [n for n, kind in enumerate(file.colorinterp, 1) if kind != ColorInterp.alpha]


def _type_of(name: str) -> np.dtype[Any]:
    """The numpy type in which rasterio reads a GDAL type: complex integers have none of their own."""
    return np.dtype("complex64" if name.startswith("complex_int") else name)
