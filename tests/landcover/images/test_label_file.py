"""Label files as people have them: what is read, what is refused, and that following the advice of a refusal helps."""

import re
from dataclasses import replace

import numpy as np
import pytest
import rasterio
import rasterio.shutil
from PIL import Image
from rasterio.transform import from_origin

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.classes.scheme_file import find_scheme, read_scheme
from landcover.errors import InputError
from landcover.images.grid import read_georeference
from landcover.images.label_file import describe, label_mark, label_png, read_labels, write_labels
from landcover.images.raster import write_raster

LABELS = (np.arange(48).reshape(6, 8) % 9).astype(np.uint8)
WITHOUT_1 = np.where(LABELS == 1, 0, LABELS).astype(np.uint8)
COLOURS = OPEN_EARTH_MAP.to_colours(LABELS)
ONE_HOT = np.stack([label == LABELS for label in range(1, 9)], axis=2).astype(np.uint8)
RGB_SCHEME = """
files = "colours"
unknown = ["#000000"]
[[classes]]
name = "a"
colour = "#070809"
[[classes]]
name = "b"
colour = "#0A0B0C"
"""


def write_gdal(path, pixels, **profile):
    bands = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    shape = {"count": len(bands), "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype.name}
    with rasterio.open(path, "w", driver="GTiff", transform=from_origin(5, 6, 1, 1), **shape, **profile) as file:
        file.write(bands)
    return path


def refused(path, scheme=OPEN_EARTH_MAP) -> str:
    with pytest.raises(InputError) as raised:
        read_labels(path, scheme)
    assert "\n" not in str(raised.value) and str(raised.value).startswith(f"{path}: expected ")
    return str(raised.value)


def advised(message: str, scheme: str = "openearthmap") -> ClassScheme:
    """The scheme with the words that a message proposes."""
    found = re.search(r'LABEL_VALUES=(?:"([^"]+)"|([\w-]+))', message)
    assert found, message
    return find_scheme(scheme, found[1] or found[2])


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "int8", "int16", "int32", "uint32", "float32", "float64"])
def test_numbers_of_any_type_are_labels(tmp_path, dtype):
    labels = read_labels(write_gdal(tmp_path / "a.tif", LABELS.astype(dtype)), OPEN_EARTH_MAP)
    assert labels.dtype == np.uint8
    np.testing.assert_array_equal(labels, LABELS)


def test_a_png_holds_numbers_and_one_with_a_palette_its_indices(tmp_path):
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    palette = Image.fromarray(LABELS, "P")
    palette.putpalette([0, 0, 0, *(value for colour in OPEN_EARTH_MAP.palette for value in colour)])
    palette.save(tmp_path / "b.png")
    Image.fromarray(LABELS.astype(np.uint16)).save(tmp_path / "c.png")
    for name in "abc":
        np.testing.assert_array_equal(read_labels(tmp_path / f"{name}.png", OPEN_EARTH_MAP), LABELS)


def test_nan_and_what_a_file_declares_to_be_no_data_are_unknown(tmp_path):
    nan = np.where(LABELS == 1, np.nan, LABELS).astype(np.float32)
    np.testing.assert_array_equal(read_labels(write_gdal(tmp_path / "a.tif", nan), OPEN_EARTH_MAP), WITHOUT_1)
    for name, dtype, value in (("b", "uint8", 255), ("c", "int16", -9999), ("d", "float32", -3.4e38)):
        pixels = np.where(LABELS == 1, value, LABELS.astype(np.float64)).astype(dtype)
        path = write_gdal(tmp_path / f"{name}.tif", pixels, nodata=np.array(value, dtype).item())
        np.testing.assert_array_equal(read_labels(path, OPEN_EARTH_MAP), WITHOUT_1)
    for name, huge in (("f", -3.4e38), ("g", np.inf)):
        pixels = np.where(LABELS == 1, huge, LABELS).astype(np.float32)
        np.testing.assert_array_equal(
            read_labels(write_gdal(tmp_path / f"{name}.tif", pixels), OPEN_EARTH_MAP), WITHOUT_1
        )
    zero_based = write_gdal(tmp_path / "z.tif", WITHOUT_1, nodata=0)
    np.testing.assert_array_equal(read_labels(zero_based, find_scheme("openearthmap", "0:1")), WITHOUT_1)
    path = write_gdal(tmp_path / "e.tif", LABELS, nodata=3)
    np.testing.assert_array_equal(read_labels(path, OPEN_EARTH_MAP), np.where(LABELS == 3, 0, LABELS))


@pytest.mark.parametrize(("value", "dtype"), [(255, "uint8"), (-1, "int8"), (9, "int64"), (70000, "int32")])
def test_a_number_without_a_meaning_is_named_with_the_words_that_make_it_unknown(tmp_path, value, dtype):
    path = write_gdal(tmp_path / "a.tif", np.where(LABELS == 1, value, LABELS.astype(np.float64)).astype(dtype))
    message = refused(path)
    assert f"label values 0..8 (scheme openearthmap), found {value} (12.5% of the pixels); where that is" in message
    np.testing.assert_array_equal(read_labels(path, advised(message)), WITHOUT_1)


def test_words_that_are_there_already_stay_in_the_advice(tmp_path):
    path = write_gdal(
        tmp_path / "a.tif", np.where(LABELS == 0, 255, np.where(LABELS == 8, 254, LABELS - 1)).astype("u1")
    )
    message = refused(path, find_scheme("openearthmap", "+1"))
    assert 'LABEL_VALUES="+1 254:0 255:0"' in message
    expected = np.where(LABELS == 8, 0, LABELS)
    np.testing.assert_array_equal(read_labels(path, advised(message)), expected)


def test_many_numbers_without_a_meaning_are_another_class_scheme(tmp_path):
    path = write_gdal(tmp_path / "a.tif", (LABELS.astype(int) * 10 % 80).astype(np.uint8))
    assert "found 10, 20, 30 and 4 more" in (message := refused(path))
    assert "name the class scheme of these files in CLASSES" in message
    np.testing.assert_array_equal(read_labels(path, find_scheme("whu_opt_sar")), LABELS % 8)
    wide = write_gdal(tmp_path / "b.tif", np.where(LABELS == 1, 2**30, LABELS.astype(np.int64)).astype(np.int32))
    np.testing.assert_array_equal(read_labels(wide, find_scheme("openearthmap", f"{2**30}:0")), WITHOUT_1)


def test_zero_based_numbers_are_shifted(tmp_path):
    path = write_gdal(tmp_path / "a.tif", np.where(LABELS == 0, 255, LABELS - 1).astype(np.uint8))
    np.testing.assert_array_equal(read_labels(path, find_scheme("openearthmap", "255:0 +1")), LABELS)


def test_colours_of_the_scheme_are_recognised_and_the_setting_reads_them(tmp_path):
    with_alpha = np.dstack([COLOURS, np.where(LABELS == 1, 0, 255).astype(np.uint8)])
    for name, pixels, expected in (("a", COLOURS, LABELS), ("b", with_alpha, WITHOUT_1)):
        path = write_gdal(tmp_path / f"{name}.tif", pixels)
        message = refused(path)
        assert "found 3 bands with the colours of the scheme openearthmap; LABEL_" in message
        np.testing.assert_array_equal(read_labels(path, advised(message)), expected)
    Image.fromarray(COLOURS).save(tmp_path / "c.png")
    np.testing.assert_array_equal(read_labels(tmp_path / "c.png", advised(refused(tmp_path / "c.png"))), LABELS)


def test_other_colours_are_named_and_a_scheme_with_them_reads_them(tmp_path):
    colours = np.array([(0, 0, 0), (7, 8, 9), (10, 11, 12)], np.uint8)[LABELS % 3]
    path = write_gdal(tmp_path / "a.tif", colours)
    message = refused(path)
    assert "found #070809, #0A0B0C (66.7% of the pixels); name in CLASSES a class scheme with all colours" in message
    (tmp_path / "mine.toml").write_text(RGB_SCHEME)
    np.testing.assert_array_equal(read_labels(path, read_scheme(tmp_path / "mine.toml")), LABELS % 3)
    (tmp_path / "mine.toml").write_text(RGB_SCHEME.replace("#0A0B0C", "#0A0B0D"))
    message = refused(path, read_scheme(tmp_path / "mine.toml"))
    assert "expected the colours of the scheme mine, found #0A0B0C (33.3% of the pixels)" in message


def paletted(path, indices, colours):
    image = Image.fromarray(indices, "P")
    image.putpalette([value for colour in colours for value in colour])
    image.save(path)
    return path


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_colours_that_a_program_has_made_a_palette_of_are_read_as_colours(tmp_path, suffix):
    order = [6, 0, 3, 1, 5, 2, 4]  # index of each label, as a program that makes files smaller chooses it
    isprs, labels = find_scheme("isprs"), LABELS % 7
    table = np.zeros((7, 3), np.uint8)
    table[order] = isprs.to_colours(np.arange(7))
    path = paletted(tmp_path / f"a.{suffix}", np.array(order, np.uint8)[labels], table.tolist())
    np.testing.assert_array_equal(read_labels(path, isprs), labels)


@pytest.mark.parametrize("suffix", ["png", "tif"])
def test_a_palette_that_contradicts_the_numbers_is_refused_and_the_setting_reads_it(tmp_path, suffix):
    colours = [(0, 0, 0), *OPEN_EARTH_MAP.palette]
    path = paletted(tmp_path / f"a.{suffix}", 8 - LABELS, colours[::-1])
    message = refused(path)
    assert "agree with the colours of the palette, found 0 in the colour of building; LABEL_VALUES=colours" in message
    np.testing.assert_array_equal(read_labels(path, advised(message)), LABELS)
    other = paletted(tmp_path / f"b.{suffix}", 8 - LABELS, [*colours[:4], (1, 2, 3), *colours[5:]])
    np.testing.assert_array_equal(read_labels(other, OPEN_EARTH_MAP), 8 - LABELS)


@pytest.mark.parametrize("bands", [2, 3, 4])
def test_numbers_that_all_bands_repeat_are_read(tmp_path, bands):
    path = write_gdal(tmp_path / "a.tif", np.repeat(LABELS[..., None], bands, axis=2))
    np.testing.assert_array_equal(read_labels(path, OPEN_EARTH_MAP), LABELS)
    grey = np.full((6, 8, 3), 0x94, np.uint8)
    grey[:3] = 0
    message = refused(write_gdal(tmp_path / "b.tif", grey))
    labels = read_labels(tmp_path / "b.tif", advised(message))
    assert labels[0, 0] == 0 and OPEN_EARTH_MAP.classes[labels[5, 0] - 1] == "developed"


def test_colours_mixed_by_a_lossy_compression_are_named_as_such(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), np.uint8)
    message = refused(write_gdal(tmp_path / "a.tif", noise), find_scheme("isprs"))
    assert "so many are a picture, or colours mixed by JPEG or resampling: write label maps without loss" in message


def test_numbers_where_a_scheme_has_colours_are_read_when_told(tmp_path):
    labels = LABELS % 7
    message = refused(write_gdal(tmp_path / "a.tif", labels), find_scheme("isprs"))
    assert "expected colours in 3 bands (scheme isprs), found one band of numbers; LABEL_VALUES=numbers" in message
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", advised(message, "isprs")), labels)


def test_one_hot_bands_are_recognised_and_the_setting_reads_them(tmp_path):
    path = write_gdal(tmp_path / "a.tif", ONE_HOT)
    message = refused(path)
    assert "found 8 bands, of which each pixel has one that is not 0; LABEL_VALUES=one-hot reads them" in message
    np.testing.assert_array_equal(read_labels(path, advised(message)), LABELS)
    several = np.where(np.arange(8) < 2, 1, ONE_HOT).astype(np.uint8)
    message = refused(write_gdal(tmp_path / "b.tif", several), advised(message))
    assert "or none, found several in 48 pixels; write the band of one class alone as 1" in message
    message = refused(write_gdal(tmp_path / "c.tif", LABELS), find_scheme("openearthmap", "one-hot"))
    np.testing.assert_array_equal(read_labels(tmp_path / "c.tif", advised(message)), LABELS)


def test_other_bands_and_broken_numbers_are_refused_with_what_to_write(tmp_path):
    message = refused(write_gdal(tmp_path / "a.tif", np.dstack([LABELS, 8 - LABELS])))
    assert "found 2 bands of uint8; write the one with the numbers as a file of one band" in message
    np.testing.assert_array_equal(read_labels(write_gdal(tmp_path / "a.tif", LABELS), OPEN_EARTH_MAP), LABELS)
    message = refused(write_gdal(tmp_path / "b.tif", LABELS / np.float32(2)))
    assert "whole numbers of classes, found 0.5 and more (21 pixels); check that the file is a label map" in message
    pixels = np.where(LABELS == 1, 1e20, LABELS).astype(np.float32)
    message = refused(write_gdal(tmp_path / "wild.tif", pixels))
    assert "found 1e+20 (12.5% of the pixels); where that is no data, declare it as the no-data value of the" in message
    declared = write_gdal(tmp_path / "declared.tif", pixels, nodata=float(np.float32(1e20)))
    np.testing.assert_array_equal(read_labels(declared, OPEN_EARTH_MAP), WITHOUT_1)
    message = refused(write_gdal(tmp_path / "c.tif", LABELS.astype(np.complex64)))
    assert "found complex64; write class numbers as uint8" in message


def test_our_own_files_hold_our_labels_whatever_the_convention_of_others_is(tmp_path):
    write_gdal(tmp_path / "image.tif", LABELS)
    write_labels(tmp_path / "own.tif", LABELS, OPEN_EARTH_MAP, read_georeference(tmp_path / "image.tif"))
    (tmp_path / "own.png").write_bytes(label_png(LABELS, OPEN_EARTH_MAP))
    write_raster(tmp_path / "other.tif", LABELS)
    shifted = find_scheme("openearthmap", "8:0 +1")
    for name in ("own.tif", "own.png"):
        np.testing.assert_array_equal(read_labels(tmp_path / name, shifted), LABELS)
    np.testing.assert_array_equal(read_labels(tmp_path / "other.tif", shifted), (LABELS + 1) % 9)
    assert label_mark(tmp_path / "other.tif") is None
    with rasterio.open(tmp_path / "own.tif") as file:
        assert file.transform == from_origin(5, 6, 1, 1) and file.nodata == 0


@pytest.mark.parametrize("labels", [LABELS, LABELS[::2, 1::3], LABELS.T, LABELS[:1], LABELS[:, :1]])
def test_pngs_hold_the_labels_and_their_mark_for_any_reader(labels, tmp_path):
    (tmp_path / "a.png").write_bytes(label_png(labels, OPEN_EARTH_MAP))
    with Image.open(tmp_path / "a.png") as image:
        image.load()
        assert image.mode == "L" and image.info["Description"] == describe(OPEN_EARTH_MAP)
        np.testing.assert_array_equal(np.asarray(image), labels)
    with rasterio.open(tmp_path / "a.png") as file:
        np.testing.assert_array_equal(file.read(1), labels)


def test_a_mark_stays_with_a_copy_that_gdal_makes(tmp_path):
    write_labels(tmp_path / "own.tif", LABELS, OPEN_EARTH_MAP)
    rasterio.shutil.copy(tmp_path / "own.tif", tmp_path / "copy.tif", driver="GTiff", compress="lzw")
    assert label_mark(tmp_path / "copy.tif") == label_mark(tmp_path / "own.tif")
    assert label_mark(tmp_path / "copy.tif") is not None


def test_a_file_of_another_format_than_its_name_says_is_read_as_one_of_other_origin(tmp_path):
    Image.fromarray(LABELS).save(tmp_path / "a.png")
    (tmp_path / "a.png").rename(tmp_path / "a.tif")
    assert label_mark(tmp_path / "a.tif") is None
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", OPEN_EARTH_MAP), LABELS)


def test_own_labels_of_other_classes_are_refused(tmp_path):
    write_labels(tmp_path / "a.tif", LABELS % 7, find_scheme("isprs"))
    message = refused(tmp_path / "a.tif", find_scheme("loveda"))
    assert "labels of the class scheme loveda (background, " in message
    assert "found isprs (impervious, building, low_vegetation, tree, car, clutter); choose labels of" in message
    np.testing.assert_array_equal(read_labels(tmp_path / "a.tif", find_scheme("isprs")), LABELS % 7)
    with pytest.raises(InputError, match=r"b\.tif: expected label values 0\.\.6 .*found 8"):
        write_labels(tmp_path / "b.tif", LABELS, find_scheme("isprs"))


def test_a_label_file_that_was_written_anew_is_looked_at_again(tmp_path):
    write_labels(tmp_path / "a.tif", LABELS, OPEN_EARTH_MAP)
    assert label_mark(tmp_path / "a.tif") is not None
    write_raster(tmp_path / "a.tif", LABELS)
    assert label_mark(tmp_path / "a.tif") is None
    assert replace(OPEN_EARTH_MAP, palette=OPEN_EARTH_MAP.palette[::-1]) == OPEN_EARTH_MAP


@pytest.mark.parametrize("tolerance", [0, 20, 90])
def test_colours_within_the_tolerance_are_those_of_the_class(tmp_path, tolerance):
    isprs = find_scheme("isprs")
    scheme = replace(isprs, convention=replace(isprs.convention, tolerance=tolerance))
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 7, (40, 50))
    off = rng.integers(-tolerance, tolerance + 1, (40, 50, 3))
    pixels = np.clip(scheme.to_colours(labels) + off, 0, 255).astype(np.uint8)
    np.testing.assert_array_equal(read_labels(write_gdal(tmp_path / "a.tif", pixels), scheme), labels)
    pixels[3, 4] = (255 - tolerance - 1, 255, 0)
    assert f"found #{254 - tolerance:02X}FF00 (0.1%" in refused(write_gdal(tmp_path / "b.tif", pixels), scheme)


@pytest.mark.parametrize("own", [False, True])
def test_a_window_is_that_of_the_whole(tmp_path, own):
    labels = np.random.default_rng(0).integers(0, 9, (300, 280)).astype(np.uint8)
    path = tmp_path / "a.tif"
    write_labels(path, labels, OPEN_EARTH_MAP) if own else write_gdal(path, labels)
    area = np.s_[17:290, 100:271]
    np.testing.assert_array_equal(read_labels(path, OPEN_EARTH_MAP, area), labels[area])
