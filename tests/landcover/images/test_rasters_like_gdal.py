"""Rasters of all kinds are read as GDAL reads them: equal pixels, equal validity, equal place.

RASTER_EXAMPLES=500 python -m pytest tests/landcover/images/test_rasters_like_gdal.py     (100 by default)
"""

from __future__ import annotations

import os
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from hypothesis import HealthCheck, event, given, reject, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio._err import CPLE_BaseError
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.rpc import RPC
from rasterio.transform import Affine
from rasterio.windows import Window

from landcover.images.grid import read_georeference, read_grid
from landcover.images.layout import layout_of
from landcover.images.raster import read_info, read_raster, write_raster

EXAMPLES = int(os.environ.get("RASTER_EXAMPLES", "100"))

INTEGERS = ("uint8", "uint16", "int16", "int8", "uint32", "int32")
DTYPES = (*INTEGERS[:3], "float32", "float64", "complex64", *INTEGERS[3:], "complex_int16")
PLAIN_DTYPES = ("uint8", "uint16", "float32")
PREDICTED = (None, "deflate", "lzw", "zstd")
COMPRESSIONS = (*PREDICTED, "packbits", "lzma", "lerc")
SIDES = (1, 7, 16, 33, 50, 70)
DRIVERS = {"GTiff": ".tif", "COG": ".tif", "VRT": ".vrt", "PNG": ".png", "HFA": ".img"}
MASKS = ("internal", "sidecar", "alpha", "value", "value beside")
LIMITS = np.finfo(np.float32), np.finfo(np.float64)
NO_DATA: dict[str, tuple[float, ...]] = {
    "uint8": (0, 255, 7),
    "uint16": (0, 65535, 255),
    "int16": (0, -9999, -32768, 255),
    "int8": (0, -128),
    "uint32": (0, 2**32 - 1),
    "int32": (0, -9999),
    "float32": (0, np.nan, -9999, 255, float(LIMITS[0].max), float(LIMITS[0].min), 1e20, 0.1),
    "float64": (0, np.nan, -9999, 255, float(LIMITS[1].max), float(LIMITS[1].min), 1e20, 0.1),
    "complex64": (0, np.nan, -9999, 255, 0.1),
    "complex_int16": (0, 7),
}
UTM, DEGREES = CRS.from_epsg(32654), CRS.from_epsg(4326)
NORTH_UP = Affine(0.5, 0, 300_000.25, 0, -0.25, 3_900_000.5)
PLACES = {
    "nowhere": (None, None),
    "north-up": (UTM, NORTH_UP),
    "south-up": (UTM, Affine(0.5, 0, 300_000, 0, 0.5, 3_900_000)),
    "rotated": (UTM, NORTH_UP @ Affine.rotation(33) @ Affine.shear(5)),
    "degrees": (DEGREES, Affine(5e-6, 0, 138.8, 0, -4e-6, 35.2)),
    "system of no code": (CRS.from_string("+proj=tmerc +lon_0=140.25 +k=0.9997 +ellps=bessel +units=m"), NORTH_UP),
    "no system": (None, NORTH_UP),
    "no system, rotated": (None, NORTH_UP @ Affine.rotation(-120)),
    "system alone": (UTM, None),
    "point": (UTM, NORTH_UP),
    "world file": (None, None),
    "beside": (None, None),
    "control points": (DEGREES, None),
    "control points, no system": (None, None),
    "rpcs": (None, None),
    "rpcs and transform": (DEGREES, Affine(5e-6, 0, 138.8, 0, -4e-6, 35.2)),
}
COEFFICIENTS = [0.1, 1.0, *[1e-3 * n for n in range(1, 19)]]
RPCS = RPC(
    height_off=30.5, height_scale=100.0, lat_off=35.25, lat_scale=0.125, long_off=138.75, long_scale=0.1,
    line_off=12.5, line_scale=20.0, samp_off=9.5, samp_scale=20.0, line_num_coeff=COEFFICIENTS,
    line_den_coeff=COEFFICIENTS[::-1], samp_num_coeff=COEFFICIENTS[::-1], samp_den_coeff=COEFFICIENTS,
    err_bias=0.25, err_rand=0.5,
)  # fmt: skip


@dataclass(frozen=True)
class Made:
    """A raster as drawn, see `rasters`; `place` is a key of `PLACES`."""

    driver: str  # that it is converted with after it was written as a plain GeoTIFF
    dtype: str
    count: int
    shape: tuple[int, int]
    options: dict[str, Any]
    mask: str
    no_data: float | None
    scaled: str
    place: str
    colours: bool
    overviews: bool
    written: int  # rows; the blocks below are not in the file
    seed: int

    @property
    def area(self) -> tuple[slice, slice]:
        """A window inside of the raster."""
        rng = np.random.default_rng(self.seed + 2)
        starts = [int(rng.integers(side)) for side in self.shape]
        rows, columns = (slice(n, int(rng.integers(n, side)) + 1) for n, side in zip(starts, self.shape, strict=True))
        return rows, columns

    @property
    def values(self) -> NDArray[Any]:
        """(C, H, W) with many zeros, no-data values and, if there are any, numbers that measure nothing."""
        rng = np.random.default_rng(self.seed)
        dtype = np.dtype("complex64" if self.dtype == "complex_int16" else self.dtype)
        shape = (self.count, *self.shape)
        values = rng.integers(0, 1 << self.options.get("nbits", 7), shape).astype(dtype)
        if dtype.kind == "c":
            values += (1j * rng.integers(-9, 9, shape)).astype(dtype)
        special: list[Any] = [0, 0] if self.no_data is None else [0, self.no_data, self.no_data]
        if dtype.kind in "fc" and self.dtype != "complex_int16":
            values += rng.random(shape).astype(dtype)
            special += [np.nan, np.inf, -np.inf, 3.4e38, -1e31]
        for value in special:
            some = rng.random(shape) < 0.1
            values[np.broadcast_to(some[:1], shape) if rng.random() < 0.5 else some] = value
        return values


@st.composite
def rasters(draw: st.DrawFn, plain: bool) -> Made:
    """Rasters that GDAL can write; most `plain` ones are not read through GDAL."""
    dtype = draw(st.sampled_from(PLAIN_DTYPES if plain else DTYPES))
    mask = draw(st.sampled_from([*["none"] * (8 if plain else 4), *MASKS]))
    no_data = draw(st.sampled_from(NO_DATA[dtype])) if mask.startswith("value") else None
    count = draw(st.integers(1, 3 if mask == "alpha" else 4))
    options = draw(_options(dtype, plain))
    if mask == "alpha":
        options["alpha"] = draw(st.sampled_from(["yes", "yes", "unspecified"]))
    colours = count == 1 and dtype == "uint8" and mask != "alpha" and draw(st.integers(0, 5)) == 0
    if count >= 3 and dtype in ("uint8", "uint16") and draw(st.booleans()):
        options["photometric"] = "rgb"
        if count == 3 and dtype == "uint8" and not plain and "nbits" not in options and mask != "alpha":
            photometric = draw(st.sampled_from(["ycbcr", "rgb"]))
            options |= {"compress": "jpeg", "photometric": photometric, "interleave": "pixel", "predictor": 1}
    elif not plain and draw(st.integers(0, 9)) == 0:
        options["photometric"] = "miniswhite"
    return Made(
        driver="GTiff" if plain else draw(st.sampled_from(_drivers(dtype, count + (mask == "alpha"), options))),
        dtype=dtype,
        count=count + (mask == "alpha"),
        shape=(draw(st.sampled_from(SIDES)), draw(st.sampled_from(SIDES))),
        options=options,
        mask=mask,
        no_data=no_data,
        scaled=draw(st.sampled_from([*["no"] * (10 if plain else 3), "inside", "beside"])),
        place=draw(st.sampled_from(list(PLACES))),
        colours=colours,
        overviews=draw(st.integers(0, 5)) == 0,
        written=draw(st.sampled_from([*[70] * 8, 20, 0])),
        seed=draw(st.integers(0, 2**31)),
    )


def _drivers(dtype: str, count: int, options: dict[str, Any]) -> list[str]:
    """Drivers that can write it."""
    drivers = ["GTiff", "GTiff", "COG", "VRT"]
    if dtype in ("uint8", "uint16") and count <= 4 and "nbits" not in options:
        drivers.append("PNG")
    if dtype in ("uint8", "uint16", "int16", "float32", "float64"):
        drivers.append("HFA")
    return drivers


@st.composite
def _options(draw: st.DrawFn, dtype: str, plain: bool) -> dict[str, Any]:
    """How the pixels are stored."""
    options: dict[str, Any] = {"interleave": draw(st.sampled_from([*["pixel"] * 4, "band"]))}
    if draw(st.booleans()):
        options |= {"tiled": True, "blockxsize": draw(st.sampled_from([16, 32])), "blockysize": 16}
    elif draw(st.booleans()):
        options["blockysize"] = draw(st.integers(1, 50))
    compression = draw(st.sampled_from(PREDICTED if plain else COMPRESSIONS))
    if compression == "lerc" and dtype.startswith("complex"):
        compression = "deflate"
    if compression:
        options["compress"] = compression
    if compression in PREDICTED[1:] and dtype != "complex_int16" and draw(st.booleans()):
        options["predictor"] = draw(st.sampled_from([2, 3] if dtype.startswith("float") and not plain else [2]))
    if draw(st.booleans()):
        options["bigtiff"] = "yes"
    if draw(st.integers(0, 9)) == 0:
        options["endianness"] = "big"
    if not plain and dtype == "uint8" and compression in (None, "packbits") and draw(st.booleans()):
        options["nbits"] = draw(st.sampled_from([1, 2, 4]))
    return options


def write(folder: Path, made: Made) -> Path:
    """The raster as a GeoTIFF of GDAL, or converted from there, with what lies beside it."""
    path = folder / "a.tif"
    try:
        _write_tiff(path, made)
        if made.driver != "GTiff":
            source, path = path, folder / f"converted{DRIVERS[made.driver]}"
            rasterio.shutil.copy(source, path, driver=made.driver)
    except (RasterioError, CPLE_BaseError):  # what GDAL can not write, nobody reads
        reject()
    _write_beside(path, made)
    return path


def _write_tiff(path: Path, made: Made) -> None:
    crs, transform = PLACES[made.place]
    height, width = made.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": made.count, "dtype": made.dtype}
    declared = {"nodata": made.no_data} if made.mask == "value" else {}
    internal = rasterio.Env(GDAL_TIFF_INTERNAL_MASK=made.mask == "internal")
    place = {"crs": crs, "transform": transform} if transform else {"crs": crs}
    if made.place.startswith("control points"):
        corners = ((0, 0), (height, 0), (0, width), (height, width), (height / 2, width / 3))
        points = [
            GroundControlPoint(row, column, 138.8 + column / 64, 35.2 - row / 128, 4.5) for row, column in corners
        ]
        place = {"gcps": points, "crs": crs or CRS()}
    if made.place.startswith("rpcs"):
        place["rpcs"] = RPCS
    sparse = {"sparse_ok": True} if made.written < height else {}
    with internal, rasterio.open(path, "w", **profile, **declared, **place, **made.options, **sparse) as file:
        rows = min(made.written, height)
        if rows:
            file.write(made.values[:, :rows], window=Window(0, 0, width, rows))
        if made.mask in ("internal", "sidecar"):
            valid = np.random.default_rng(made.seed + 1).random(made.shape) < 0.6
            file.write_mask(np.where(valid, 255, 0).astype(np.uint8))
        if made.scaled == "inside":
            file.scales, file.offsets = (0.25,) * made.count, (-3.0,) * made.count
        if made.place == "point":
            file.update_tags(AREA_OR_POINT="Point")
        if made.colours:
            file.write_colormap(1, {n: (n, 255 - n, 7, 255) for n in range(1 << made.options.get("nbits", 8))})
        file.descriptions = [f"band {n}" for n in range(made.count)]
    if made.overviews:
        with internal, rasterio.open(path, "r+") as file:
            file.build_overviews([2])


def _write_beside(path: Path, made: Made) -> None:
    if made.place == "world file":
        path.with_suffix({".tif": ".tfw", ".png": ".pgw"}.get(path.suffix, ".wld")).write_text(
            "0.5\n0.125\n0.25\n-0.5\n300000.25\n3899999.75\n"
        )
    bands = ""
    if made.mask == "value beside":
        bands += f"<NoDataValue>{made.no_data}</NoDataValue>"
    if made.scaled == "beside":
        bands += "<Offset>-3</Offset><Scale>0.25</Scale>"
    content = "".join(f'<PAMRasterBand band="{n + 1}">{bands}</PAMRasterBand>' for n in range(made.count) if bands)
    if made.place == "beside":
        content += "<SRS>EPSG:32654</SRS><GeoTransform>300000.25, 0.5, 0, 3900000.5, 0, -0.25</GeoTransform>"
    beside = path.with_name(f"{path.name}.aux.xml")
    if content and not beside.exists():
        beside.write_text(f"<PAMDataset>{content}</PAMDataset>")


def of_gdal(
    path: Path, area: tuple[slice, slice] | None, measured: bool, band: int | None = None
) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Values (C, H, W) as GDAL reads them, and where the file says that there are none (H, W)."""
    with rasterio.open(path) as file:
        window = Window.from_slices(*area) if area else None
        alphas = [n for n, kind in enumerate(file.colorinterp, 1) if kind == ColorInterp.alpha]
        numbers = [n for n in range(1, file.count + 1) if n not in alphas and band in (None, n)]
        values = file.read(numbers, window=window)
        lacking = file.read_masks(numbers, window=window) == 0
        for place, n in enumerate(numbers):
            # the exception: 0 is not taken at its word in integers, where it is dark water as well
            only_zero = MaskFlags.nodata in file.mask_flag_enums[n - 1] and file.nodatavals[n - 1] == 0
            if only_zero and (file.dtypes[n - 1] in INTEGERS):
                lacking[place] = False
        if values.dtype.kind in "fc":
            lacking |= ~(np.abs(values) < 1e30)
        missing = lacking.any(axis=0) if measured else lacking.all(axis=0)
        for n in alphas[:1]:
            missing |= file.read(n, window=window) == 0
        scales, offsets = ([numbers_of[n - 1] for n in numbers] for numbers_of in (file.scales, file.offsets))
    if measured:
        if values.dtype.kind == "c":
            values = np.abs(values)
        scaled = values * np.reshape(scales, (-1, 1, 1)) + np.reshape(offsets, (-1, 1, 1))
        converts = set(scales) != {1.0} or set(offsets) != {0.0} or values.dtype not in ("u1", "u2", "f4")
        values = scaled.astype(np.float32) if converts else values
    values[:, missing] = 0
    return values, missing


def assert_same(path: Path, area: tuple[slice, slice] | None, measured: bool, band: int | None = None) -> None:
    values, missing = of_gdal(path, area, measured, band)
    found = read_raster(path, area, (band,) if band else (), measured)
    pixels = found.pixels[..., None] if found.pixels.ndim == 2 else found.pixels
    assert pixels.dtype == values.dtype and (found.pixels.ndim == 2) == (len(values) == 1)
    np.testing.assert_array_equal(pixels, values.transpose(1, 2, 0))
    np.testing.assert_array_equal(np.zeros(missing.shape, bool) if found.missing is None else found.missing, missing)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(rasters(plain=True))
def test_plain_files_are_read_as_gdal_reads_them(made: Made) -> None:
    assert_pixels_and_validity_are_those_of_gdal(made)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(rasters(plain=False))
def test_files_of_all_kinds_are_read_as_gdal_reads_them(made: Made) -> None:
    assert_pixels_and_validity_are_those_of_gdal(made)


def assert_pixels_and_validity_are_those_of_gdal(made: Made) -> None:
    with TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        path = write(Path(folder), made)
        event(f"{path.suffix}, read by {layout_of(path).kind}")
        for measured in (False, True):
            assert_same(path, None, measured)
            assert_same(path, made.area, measured)
        assert_same(path, made.area, True, band=1)
        with rasterio.open(path) as file:
            alpha = sum(kind == ColorInterp.alpha for kind in file.colorinterp)
            info = read_info(path)
            assert (info.height, info.width, info.bands) == (*file.shape, file.count - alpha)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.booleans().flatmap(lambda plain: rasters(plain=plain)))
def test_what_is_written_from_a_raster_lies_where_gdal_sees_the_raster(made: Made) -> None:
    made = replace(made, written=0, overviews=False)
    with TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        path, out = write(Path(folder), made), Path(folder) / "map.tif"
        write_raster(out, np.ones(made.shape, np.uint8), read_georeference(path))
        event(made.place)
        with rasterio.open(path) as file, rasterio.open(out) as written:
            assert written.crs == file.crs and written.shape == file.shape
            np.testing.assert_allclose(written.transform, file.transform, rtol=1e-13)
            assert written.gcps[1] == file.gcps[1]
            np.testing.assert_allclose(_numbers(written.gcps[0]), _numbers(file.gcps[0]), rtol=1e-13)
            assert (written.rpcs is None) == (file.rpcs is None)
            if file.rpcs is not None:
                expected, found = (rpcs.to_gdal() for rpcs in (file.rpcs, written.rpcs))
                assert found.keys() == expected.keys()
                for key, text in expected.items():
                    np.testing.assert_allclose(*(np.array(t.split(), float) for t in (found[key], text)), rtol=1e-13)
            assert (written.nodata, written.scales, written.offsets, written.tags(1)) == (None, (1.0,), (0.0,), {})
            if made.driver == "GTiff":  # others do not keep every place
                assert read_grid(path).georeferenced == (made.place != "nowhere")


def _numbers(points: list[GroundControlPoint]) -> NDArray[np.float64]:
    return np.array([(point.row, point.col, point.x, point.y, point.z) for point in points])
