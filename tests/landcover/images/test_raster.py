from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from PIL import Image
from rasterio.crs import CRS
from rasterio.transform import from_origin

from landcover.errors import InputError
from landcover.images.grid import read_georeference
from landcover.images.raster import RasterInfo, read_info, read_optical, read_raster, read_sar, write_raster

TRANSFORM = from_origin(500_000.5, 4_000_000.25, 0.5, 0.25)


def random_pixels(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    rng = np.random.default_rng(0)
    return rng.normal(size=shape).astype(dtype) if dtype == "float32" else rng.integers(0, 256, shape, dtype)


def write_gdal(path: Path, bands: np.ndarray, **options: object) -> np.ndarray:
    """Writes (C, H, W) as GDAL does and returns it with bands last, or without a band axis."""
    count, height, width = bands.shape
    with rasterio.open(
        path, "w", "GTiff", width, height, count, CRS.from_epsg(32654), TRANSFORM, bands.dtype, **options
    ) as file:
        file.write(bands)
    return bands[0] if count == 1 else bands.transpose(1, 2, 0)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("shape", [(5, 7), (300, 270), (40, 30, 3)])
@pytest.mark.parametrize("compression", ["deflate", "zstd", "lzw", None])
def test_pixels_survive_a_round_trip(tmp_path, dtype, shape, compression):
    pixels = random_pixels(shape, dtype)
    write_raster(tmp_path / "a.tif", pixels, compression=compression)
    read = read_raster(tmp_path / "a.tif")
    assert read.pixels.dtype == pixels.dtype and read.pixels.flags.c_contiguous
    np.testing.assert_array_equal(read.pixels, pixels)
    assert read.missing is None and not read_georeference(tmp_path / "a.tif")
    bands = 1 if len(shape) == 2 else 3
    assert read_info(tmp_path / "a.tif") == RasterInfo(shape[0], shape[1], bands, np.dtype(dtype))


def test_the_same_pixels_give_the_same_bytes_and_no_leftovers(tmp_path):
    pixels = random_pixels((70, 60), "uint8")
    write_raster(tmp_path / "a.tif", pixels)
    write_raster(tmp_path / "b.tif", pixels)
    assert (tmp_path / "a.tif").read_bytes() == (tmp_path / "b.tif").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tif", "b.tif"]


def test_a_failed_write_leaves_the_file_of_before(tmp_path):
    write_raster(tmp_path / "a.tif", np.full((4, 4), 3, np.uint8))
    with pytest.raises(ValueError):
        write_raster(tmp_path / "a.tif", np.zeros((4, 4), np.uint8), compression="no such codec")
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif").pixels, np.full((4, 4), 3))
    assert [path.name for path in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize("compress", [None, "LZW", "DEFLATE", "ZSTD", "PACKBITS"])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("count", [1, 3])
def test_files_of_gdal_read_alike_whatever_their_layout(tmp_path, compress, interleave, count):
    options = {"interleave": interleave, "photometric": "RGB" if count == 3 else "MINISBLACK"}
    if compress:
        options["compress"] = compress
    # 3 rows: an axis of 3 must not be taken for the bands
    pixels = write_gdal(tmp_path / "a.tif", random_pixels((count, 3, 50), "uint8"), **options)
    np.testing.assert_array_equal(read_raster(tmp_path / "a.tif").pixels, pixels)
    assert read_info(tmp_path / "a.tif") == RasterInfo(3, 50, count, np.dtype(np.uint8))


@pytest.mark.parametrize("dtype", ["uint16", "float32"])
def test_tiled_files_with_predictor_are_read(tmp_path, dtype):
    options = {"compress": "DEFLATE", "predictor": 3 if dtype == "float32" else 2, "tiled": True}
    pixels = write_gdal(tmp_path / "a.tif", random_pixels((1, 90, 70), dtype), blockxsize=32, blockysize=32, **options)
    np.testing.assert_array_equal(read_sar(tmp_path / "a.tif").pixels, pixels)


@pytest.mark.parametrize("photometric", ["RGB", "YCBCR"])
def test_jpeg_files_come_as_rgb(tmp_path, photometric):
    red = np.zeros((3, 64, 64), np.uint8)
    red[0] = 200
    pixels = write_gdal(tmp_path / "a.tif", red, compress="JPEG", photometric=photometric, interleave="pixel")
    assert np.abs(read_optical(tmp_path / "a.tif").pixels.astype(int) - pixels).max() <= 3


def test_overviews_and_pages_of_bands_are_told_apart(tmp_path):
    pixels = write_gdal(tmp_path / "a.tif", random_pixels((1, 128, 128), "uint8"))
    with rasterio.open(tmp_path / "a.tif", "r+") as file:
        file.build_overviews([2, 4])
    np.testing.assert_array_equal(read_sar(tmp_path / "a.tif").pixels, pixels)
    assert read_info(tmp_path / "a.tif").bands == 1
    pages = random_pixels((3, 20, 30), "uint8")
    tifffile.imwrite(tmp_path / "b.tif", pages, photometric="minisblack", metadata=None)
    np.testing.assert_array_equal(read_optical(tmp_path / "b.tif").pixels, pages.transpose(1, 2, 0))
    assert read_info(tmp_path / "b.tif") == RasterInfo(20, 30, 3, np.dtype(np.uint8))


def test_the_place_is_carried_over_and_nothing_else(tmp_path):
    write_gdal(tmp_path / "image.tif", random_pixels((1, 40, 30), "uint16"), nodata=255)
    with rasterio.open(tmp_path / "image.tif", "r+") as file:
        file.scales, file.offsets, file.descriptions = (0.25,), (-30.0,), ("HH",)
        file.update_tags(1, STATISTICS_MEAN="61.5")
    georeference = read_georeference(tmp_path / "image.tif")
    write_raster(tmp_path / "map.tif", np.ones((40, 30), np.uint8), georeference, no_data=0)
    assert read_georeference(tmp_path / "map.tif") == georeference
    with rasterio.open(tmp_path / "map.tif") as file:
        assert (file.crs, file.transform, file.nodata) == (CRS.from_epsg(32654), TRANSFORM, 0)
        assert (file.scales, file.offsets, file.descriptions) == ((1.0,), (0.0,), (None,))
        assert file.tags(1) == {}
        np.testing.assert_array_equal(file.read(1), np.ones((40, 30)))


def test_the_header_of_a_png_is_read(tmp_path):
    Image.fromarray(np.zeros((3, 3), np.uint8)).save(tmp_path / "a.png")
    assert read_info(tmp_path / "a.png") == RasterInfo(3, 3, 1, np.dtype(np.uint8))


def test_a_fourth_band_of_an_optical_image_is_dropped(tmp_path):
    pixels = write_gdal(tmp_path / "a.tif", random_pixels((4, 8, 9), "uint8"), photometric="RGB", alpha="YES")
    read = read_optical(tmp_path / "a.tif").pixels
    assert read.shape == (8, 9, 3) and read.flags.c_contiguous
    np.testing.assert_array_equal(read, pixels[..., :3])


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("compression", ["deflate", None])
def test_a_file_cut_off_is_not_read_as_zeros(tmp_path, share, compression):
    path = tmp_path / "a.tif"
    write_raster(path, random_pixels((600, 600), "uint8"), compression=compression)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(InputError, match=r"a\.tif: not readable as an image .*damaged or cut off"):
        read_sar(path)


@pytest.mark.parametrize("compress", ["JPEG", "LZW", "PACKBITS"])
def test_a_file_of_gdal_cut_off_in_its_last_strip_is_noticed(tmp_path, compress):
    path = tmp_path / "a.tif"
    write_gdal(path, random_pixels((1, 100, 100), "uint8"), compress=compress)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"a\.tif: not readable as an image .*damaged or cut off"):
        read_sar(path)


@pytest.mark.parametrize("name", ["a.tif", "a.png"])
def test_a_file_that_is_no_image_and_a_missing_one_are_refused(tmp_path, name):
    for read in (read_raster, read_info):
        with pytest.raises(InputError, match=rf"{name}: expected an image file, found none"):
            read(tmp_path / name)
    (tmp_path / name).write_text("404: not found")
    for read in (read_raster, read_info):
        with pytest.raises(InputError, match=rf"{name}: not readable as an image"):
            read(tmp_path / name)


def test_georeferencing_of_a_missing_or_foreign_file_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"a\.tif: expected an image file, found none"):
        read_georeference(tmp_path / "a.tif")
    (tmp_path / "a.tif").write_text("404: not found")
    with pytest.raises(InputError, match=r"a\.tif: not readable as an image"):
        read_georeference(tmp_path / "a.tif")


def test_swapped_folders_are_noticed(tmp_path):
    write_raster(tmp_path / "sar.tif", random_pixels((4, 4), "uint8"))
    write_raster(tmp_path / "rgb.tif", random_pixels((4, 4, 3), "uint8"))
    with pytest.raises(InputError, match=r"rgb\.tif: expected a SAR image of one band, found 3; .*swapped"):
        read_sar(tmp_path / "rgb.tif")
    with pytest.raises(InputError, match=r"sar\.tif: expected an optical image of 3 bands \(RGB\), found 1; .*swapped"):
        read_optical(tmp_path / "sar.tif")


def test_images_of_another_type_are_refused(tmp_path):
    write_raster(tmp_path / "rgb.tif", random_pixels((4, 4, 3), "uint16"))
    with pytest.raises(InputError, match=r"rgb\.tif: expected uint8 RGB, found uint16"):
        read_optical(tmp_path / "rgb.tif")


def test_the_size_of_a_file_that_is_cut_off_is_told_as_its_pixels_are(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.ones((64, 64), np.uint8), metadata=None)
    path.write_bytes(path.read_bytes()[:-100])
    for read in (read_info, read_raster):
        with pytest.raises(InputError, match=r"a\.tif: not readable as an image \(.*too few\)"):
            read(path)


def test_a_band_that_a_file_beside_calls_alpha_is_none_of_the_values(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    write_raster(path, np.stack([np.full((4, 6), 9, np.uint8), np.arange(24, dtype=np.uint8).reshape(4, 6)], axis=2))
    kind = '<PAMRasterBand band="2"><ColorInterp>Alpha</ColorInterp></PAMRasterBand>'
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{kind}</PAMDataset>")
    read = read_sar(path)
    assert read.pixels.shape == (4, 6)
    assert np.flatnonzero(read.no_data()).tolist() == [0]
