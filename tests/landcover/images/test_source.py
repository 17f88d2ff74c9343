from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from landcover.errors import InputError
from landcover.images.raster import read_optical, read_raster, read_sar, write_raster
from landcover.images.source import open_source

ALL = slice(0, 4), slice(0, 5)
FLOAT_MAX = np.finfo(np.float32).max


def write(path: Path, bands: NDArray[np.generic], mask: NDArray[np.bool_] | None = None, **profile: object) -> Path:
    count, height, width = bands.shape
    shape = {"width": width, "height": height, "count": count, "dtype": bands.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **profile) as file:
        file.write(bands)
        if mask is not None:
            file.write_mask(mask)
    return path


def test_windows_hold_the_values_of_the_file(tmp_path: Path) -> None:
    image = np.arange(20, dtype=np.uint16).reshape(1, 4, 5)
    with open_source(write(tmp_path / "scene.tif", image)) as scene:
        raster = scene.read((slice(1, 3), slice(2, 5)))
        assert (scene.grid.height, scene.grid.width, scene.dtype) == (4, 5, np.uint16)
    assert raster.pixels.tolist() == [[7, 8, 9], [12, 13, 14]] and raster.pixels.dtype == np.uint16
    assert raster.missing is None


def test_what_is_declared_or_no_measurement_is_missing_and_read_as_zero(tmp_path: Path) -> None:
    image = np.full((1, 4, 5), 7, np.float32)
    image[0, 0] = -9999, np.nan, np.inf, 0, FLOAT_MAX
    path = write(tmp_path / "scene.tif", image, nodata=-9999)
    with open_source(path, measured=True) as scene:
        raster, sample = scene.read(ALL), scene.sample(5)
    assert raster.missing is not None
    assert raster.pixels[0].tolist() == sample.pixels[0].tolist() == [0, 0, 0, 0, 0]
    assert raster.missing[0].tolist() == [True, True, True, False, True]
    assert not raster.missing[1:].any()
    tile = read_sar(path)
    np.testing.assert_array_equal(tile.missing, raster.missing)
    np.testing.assert_array_equal(tile.pixels, raster.pixels)


def test_an_alpha_band_masks(tmp_path: Path) -> None:
    bands = np.full((2, 4, 5), 9, np.uint8)
    bands[1] = 255
    bands[1, 2, 3] = 0
    path = write(tmp_path / "scene.tif", bands)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    for raster in (read_sar(path), read_raster(path)):
        assert np.argwhere(raster.missing).tolist() == [[2, 3]]
        assert raster.pixels[2, 3] == 0 and np.delete(raster.pixels, 13).tolist() == [9] * 19


@pytest.mark.parametrize("inside", [True, False])
def test_masks_in_the_file_and_beside_it_count(tmp_path: Path, inside: bool) -> None:
    valid = np.ones((4, 5), bool)
    valid[1, 1:3] = False
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=inside):
        path = write(tmp_path / "a.tif", np.full((1, 4, 5), 9, np.uint8), valid)
    assert path.with_name("a.tif.msk").exists() != inside
    np.testing.assert_array_equal(read_sar(path).missing, ~valid)


def test_a_no_data_value_beside_the_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_raster(path, np.full((4, 5), 9, np.uint8))
    assert read_sar(path).missing is None
    write_raster(tmp_path / "b.tif", np.full((4, 5), 9, np.uint8))
    (tmp_path / "b.tif.aux.xml").write_text(
        "<PAMDataset><PAMRasterBand band='1'><NoDataValue>9</NoDataValue></PAMRasterBand></PAMDataset>"
    )
    raster = read_sar(tmp_path / "b.tif")
    assert raster.missing is not None and raster.missing.all() and not raster.pixels.any()


def test_a_declared_zero_is_told_apart_in_integers_and_taken_at_its_word_in_floats(tmp_path: Path) -> None:
    image = np.ones((1, 4, 5), np.uint8)
    image[0, 0, 0] = 0
    raster = read_sar(write(tmp_path / "a.tif", image, nodata=0))
    assert raster.zeros_declared and raster.missing is None
    raster = read_sar(write(tmp_path / "b.tif", image.astype(np.float32), nodata=0))
    assert not raster.zeros_declared and np.argwhere(raster.missing).tolist() == [[0, 0]]


def test_a_colour_is_missing_where_all_its_bands_are_and_a_measurement_where_one_is(tmp_path: Path) -> None:
    bands = np.full((3, 4, 5), 9, np.uint8)
    bands[:, 0, 0], bands[0, 1, 1] = 255, 255
    path = write(tmp_path / "rgb.tif", bands, nodata=255, photometric="RGB")
    assert np.argwhere(read_optical(path).missing).tolist() == [[0, 0]]
    assert np.argwhere(read_sar(path, bands=(1, 2, 3)).missing).tolist() == [[0, 0], [1, 1]]


@pytest.mark.parametrize(
    ("stored", "expected"),
    [
        (np.array([[-7, 3]], np.int16), [-7, 3]),
        (np.array([[0.25, 3]], np.float64), [0.25, 3]),
        (np.array([[3 + 4j, -2j]], np.complex64), [5, 2]),
    ],
)
def test_measurements_of_other_types_become_float32(tmp_path: Path, stored: np.ndarray, expected: list) -> None:
    path = write(tmp_path / "a.tif", stored[None])
    raster = read_sar(path)
    assert raster.pixels.dtype == np.float32 and raster.pixels[0].tolist() == expected
    with open_source(path, measured=True) as source:
        assert source.dtype == np.float32
    if stored.dtype.kind != "c":
        assert read_raster(path).pixels.dtype == stored.dtype


def test_scale_and_offset_are_applied_to_measurements_and_no_data_is_that_of_the_stored_value(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.array([[[200, 300, 65535]]], np.uint16), nodata=65535)
    with rasterio.open(path, "r+") as file:
        file.scales, file.offsets = (0.5,), (-30.0,)
    raster = read_sar(path)
    assert raster.pixels.tolist() == [[70, 120, 0]] and np.argwhere(raster.missing).tolist() == [[0, 2]]
    assert read_raster(path).pixels.tolist() == [[200, 300, 0]]
    as_stored = read_sar(path, as_stored="uint16").pixels
    assert as_stored.tolist() == [[200, 300, 0]] and as_stored.dtype == np.uint16
    assert read_sar(path, as_stored="uint8").pixels.tolist() == [[70, 120, 0]]


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
@pytest.mark.parametrize("count", [2, 4])
def test_bands_are_written_in_one_file(tmp_path: Path, count: int, dtype: type) -> None:
    pixels = np.random.default_rng(0).integers(1, 200, (30, 300, count)).astype(dtype)
    write_raster(tmp_path / "a.tif", pixels)
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif").pixels, pixels)
    np.testing.assert_array_equal(read_sar(tmp_path / "a.tif", bands=(2, 1)).pixels, pixels[..., [1, 0]])
    with rasterio.open(tmp_path / "a.tif") as file:
        np.testing.assert_array_equal(file.read().transpose(1, 2, 0), pixels)
        assert ColorInterp.alpha not in file.colorinterp and file.is_tiled


def test_bands_are_picked_by_number_or_description(tmp_path: Path) -> None:
    bands = np.stack([np.full((4, 5), value, np.float32) for value in (1, 2, 3)])
    for interleave in ("pixel", "band"):
        path = write(tmp_path / f"{interleave}.tif", bands, interleave=interleave)
        with rasterio.open(path, "r+") as file:
            file.descriptions = ("VV", "VH", None)
        assert read_sar(path, bands=("vh",)).pixels.tolist() == np.full((4, 5), 2).tolist()
        assert read_sar(path, bands=(3, "VV")).pixels[0, 0].tolist() == [3, 1]
        assert read_sar(path, (slice(1, 2), slice(0, 3)), (2, 1)).pixels.shape == (1, 3, 2)
        with pytest.raises(InputError, match=r"expected a band HH, found bands 1 \(VV\), 2 \(VH\), 3; correct sar"):
            read_sar(path, bands=("HH",))
        with pytest.raises(InputError, match=r"found 3 \(VV, VH, 3\); .* sar\.band=VV or .* sar\.bands=\[VV,VH\]"):
            read_sar(path)


def test_a_sample_takes_every_nth_value_of_a_large_scene(tmp_path: Path) -> None:
    image = np.zeros((1, 3, 101), np.uint8)
    image[0, :, ::3] = 5
    with open_source(write(tmp_path / "scene.tif", image)) as scene:
        sample = scene.sample(50).pixels
    assert sample.shape == (1, 34)
    assert set(np.unique(sample)) <= {0, 5}


def test_a_scene_that_was_cut_off_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    write_raster(path, np.random.default_rng(0).integers(1, 255, (600, 600), dtype=np.uint8))
    with rasterio.open(path) as file:
        assert file.profile["tiled"]
    path.write_bytes(path.read_bytes()[:200_000])
    with open_source(path) as scene, pytest.raises(InputError, match=r"scene\.tif: .* damaged or cut off, fetch it"):
        scene.read()
