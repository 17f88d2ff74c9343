from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import imagecodecs
import numpy as np
import pytest
import rasterio
import tifffile

from landcover.errors import InputError
from landcover.images import segments
from landcover.images.raster import read_raster, write_raster
from landcover.images.segments import Segments

LAYOUTS: dict[str, dict[str, Any]] = {
    "tiles": {"tile": (32, 16)},
    "strips": {"rowsperstrip": 20},
    "strips, the last one shorter": {"rowsperstrip": 24},
    "one strip": {"rowsperstrip": 100},
}
AREAS = (np.s_[0:100, 0:70], np.s_[24:48, 16:32], np.s_[23:25, 31:33], np.s_[99:100, 69:70], np.s_[30:90, 5:70])


def pixels_of(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def segments_of(path: Path) -> Segments | None:
    with tifffile.TiffFile(path) as file:
        return Segments.of(file.pages[0])


@pytest.fixture(params=["together", "in groups", "one by one"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Segments of the layouts, which are short, are decoded in every way."""
    if request.param == "in groups":
        monkeypatch.setattr(segments, "TOGETHER", 48 * 70)  # one or two rows of segments, by the bytes of a pixel
    elif request.param == "one by one":
        monkeypatch.setattr(segments, "SHORT", 0)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd", None])
@pytest.mark.parametrize(
    ("shape", "dtype"),
    [((100, 70), "uint8"), ((100, 70, 3), "uint8"), ((100, 70, 5), "uint16"), ((100, 70), "float32")],
)
def test_windows_hold_the_pixels_that_tifffile_reads(
    tmp_path: Path, way: None, layout: str, compression: str | None, shape: tuple[int, ...], dtype: str
) -> None:
    pixels, path = pixels_of(shape, dtype), tmp_path / "a.tif"
    for predictor in (False, True) if compression and dtype == "uint8" else (False,):
        settings = {"compression": compression, "predictor": predictor, **LAYOUTS[layout]}
        photometric = "rgb" if shape[2:] == (3,) else "minisblack"
        planarconfig = "contig" if len(shape) == 3 else None
        tifffile.imwrite(path, pixels, photometric=photometric, planarconfig=planarconfig, metadata=None, **settings)
        found = segments_of(path)
        assert found is not None
        with path.open("rb") as file:
            for area in AREAS:
                np.testing.assert_array_equal(found.read(file, area), pixels[area])
            np.testing.assert_array_equal(found.read(file), pixels)


def test_segments_beside_the_window_are_not_decoded(tmp_path: Path, way: None) -> None:
    pixels, path = pixels_of((100, 70), "uint8"), tmp_path / "a.tif"
    for layout, needed in (("tiles", {6, 7, 11, 12}), ("strips", {2, 3})):
        tifffile.imwrite(path, pixels, compression="deflate", metadata=None, **LAYOUTS[layout])
        with tifffile.TiffFile(path) as file:
            places = list(zip(file.pages[0].dataoffsets, file.pages[0].databytecounts, strict=True))
        content = bytearray(path.read_bytes())
        for number, (start, size) in enumerate(places):
            if number not in needed:
                content[start : start + size] = bytes(size)
        path.write_bytes(content)
        window = read_raster(path, np.s_[40:70, 20:40]).pixels
        np.testing.assert_array_equal(window, pixels[40:70, 20:40])
        with pytest.raises(InputError, match=r"a\.tif: not readable as an image .*; the file is damaged"):
            read_raster(path)


@pytest.mark.parametrize("strip", [100, 20, 24])
def test_of_an_image_without_compression_only_the_rows_of_the_window_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, strip: int
) -> None:
    monkeypatch.setattr(segments, "SHORT", 4 * 70)
    pixels, path = pixels_of((100, 70), "uint8"), tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, rowsperstrip=strip, metadata=None)
    found = segments_of(path)
    assert found is not None
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[0]
    begin, end = start + 40 * 70, start + 72 * 70
    window_alone = io.BytesIO(bytes(begin) + path.read_bytes()[begin:end])
    np.testing.assert_array_equal(found.read(window_alone, np.s_[41:69, 20:40]), pixels[41:69, 20:40])
    with pytest.raises(imagecodecs.TiffError):
        found.read(window_alone, np.s_[41:73, 20:40])  # cut off


@pytest.mark.parametrize("compression", ["lzw", None])
def test_a_strip_of_fewer_bytes_than_its_rows_take_is_refused(tmp_path: Path, compression: str | None) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, pixels_of((100, 70), "uint8"), compression=compression, rowsperstrip=50, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        first, second = file.pages[0].databytecounts
        file.pages[0].tags["StripByteCounts"].overwrite((first, second // 2))
    with pytest.raises(InputError, match=r"a\.tif: not readable as an image"):
        read_raster(path)


@pytest.mark.parametrize(
    "settings",
    [
        {"compression": "packbits"},
        {"compression": "deflate", "predictor": True, "byteorder": ">", "dtype": "uint16"},
        {"compression": "deflate", "predictor": 3, "dtype": "float32"},
        {"compression": "deflate", "bands": (3,), "planarconfig": "separate", "photometric": "rgb"},
    ],
)
def test_windows_of_other_files_are_cut_from_what_tifffile_reads(tmp_path: Path, settings: dict[str, Any]) -> None:
    shape = (*settings.pop("bands", ()), 100, 70)
    pixels = pixels_of(shape, settings.pop("dtype", "uint8"))
    tifffile.imwrite(tmp_path / "a.tif", pixels, metadata=None, **settings)
    assert segments_of(tmp_path / "a.tif") is None
    last = pixels if pixels.ndim == 2 else pixels.transpose(1, 2, 0)
    for area in AREAS:
        np.testing.assert_array_equal(read_raster(tmp_path / "a.tif", area).pixels, last[area])


@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd", None])
def test_a_last_strip_of_full_length_is_read_as_far_as_the_image_reaches(
    tmp_path: Path, way: None, compression: str | None
) -> None:
    pixels, path = pixels_of((96, 70), "uint8"), tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, compression=compression, rowsperstrip=24, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageLength"].overwrite(80)
    np.testing.assert_array_equal(read_raster(path).pixels, pixels[:80])


def test_a_segment_that_is_cut_off_is_refused(tmp_path: Path, way: None) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((64, 64), np.uint8), compression="deflate", rowsperstrip=32, metadata=None)
    with tifffile.TiffFile(path) as file:
        start = file.pages[0].dataoffsets[1]
    short = tmp_path / "short.tif"
    tifffile.imwrite(short, np.zeros((8, 64), np.uint8), compression="deflate", metadata=None)
    with tifffile.TiffFile(short) as file:
        begin, size = file.pages[0].dataoffsets[0], file.pages[0].databytecounts[0]
    content = bytearray(path.read_bytes())
    content[start : start + size] = short.read_bytes()[begin : begin + size]
    path.write_bytes(content)
    found = r"(segment 1 has 512 bytes instead of 2048|Decoding error at scanline \d+)"
    with pytest.raises(InputError, match=rf"a\.tif: not readable as an image \({found}\); the file is damaged"):
        read_raster(path)


def test_a_file_that_is_replaced_is_read_anew_and_one_that_stays_is_not_parsed_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    opened: list[Path] = []
    tiff_file = tifffile.TiffFile

    def counting(file: Path) -> tifffile.TiffFile:
        opened.append(file)
        return tiff_file(file)

    monkeypatch.setattr(tifffile, "TiffFile", counting)
    for value in (3, 4):
        write_raster(path, np.full((8, 8), value, np.uint8))
        assert [int(read_raster(path).pixels.max()) for _ in range(3)] == [value] * 3
    assert opened == [path] * 2


def test_a_mask_or_metadata_that_come_beside_a_file_that_was_read_count_from_then_on(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    pixels = np.arange(1, 65, dtype=np.uint8).reshape(8, 8)
    write_raster(path, pixels)
    assert not read_raster(path).no_data().any()
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(path, "r+") as file:
        file.write_mask(pixels > 5)
    assert int(read_raster(path).no_data().sum()) == 5
    (tmp_path / "a.tif.msk").unlink()
    assert not read_raster(path).no_data().any()
    value = '<PAMRasterBand band="1"><NoDataValue>9</NoDataValue></PAMRasterBand>'
    (tmp_path / "a.tif.aux.xml").write_text(f"<PAMDataset>{value}</PAMDataset>")
    np.testing.assert_array_equal(read_raster(path).no_data(), pixels == 9)
