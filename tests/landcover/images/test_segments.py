from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import rasterio
import tifffile

from landcover.errors import InputError
from landcover.images.raster import read_raster, write_raster
from landcover.images.segments import Segments

LAYOUTS: dict[str, dict[str, Any]] = {
    "tiles": {"tile": (32, 16)},
    "strips": {"rowsperstrip": 24},
    "one strip": {"rowsperstrip": 100},
}
AREAS = (np.s_[0:100, 0:70], np.s_[24:48, 16:32], np.s_[23:25, 31:33], np.s_[99:100, 69:70], np.s_[30:90, 5:70])


def pixels_of(shape: tuple[int, ...], dtype: str) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape).astype(dtype)


def segments_of(path: Path) -> Segments | None:
    with tifffile.TiffFile(path) as file:
        return Segments.of(file.pages[0])


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by the number of every segment that is decoded."""
    numbers: list[int] = []
    decode_one: Callable[..., None] = Segments._decode

    def counting(found: Segments, file: BinaryIO, number: int, *place: object) -> None:
        numbers.append(number)
        decode_one(found, file, number, *place)

    monkeypatch.setattr(Segments, "_decode", counting)
    return numbers


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("compression", ["deflate", "lzw", "zstd", None])
@pytest.mark.parametrize(("shape", "dtype"), [((100, 70), "uint8"), ((100, 70, 3), "uint8"), ((100, 70), "float32")])
def test_windows_hold_the_pixels_that_tifffile_reads(
    tmp_path: Path, layout: str, compression: str | None, shape: tuple[int, ...], dtype: str
) -> None:
    pixels, path = pixels_of(shape, dtype), tmp_path / "a.tif"
    for predictor in (False, True) if compression and dtype == "uint8" else (False,):
        settings = {"compression": compression, "predictor": predictor, **LAYOUTS[layout]}
        photometric = "rgb" if len(shape) == 3 else "minisblack"
        tifffile.imwrite(path, pixels, photometric=photometric, metadata=None, **settings)
        segments = segments_of(path)
        assert segments is not None
        with path.open("rb") as file:
            for area in AREAS:
                np.testing.assert_array_equal(segments.read(file, area), pixels[area])
            np.testing.assert_array_equal(segments.read(file), pixels)


def test_segments_beside_the_window_are_not_decoded(tmp_path: Path, decoded: list[int]) -> None:
    pixels = pixels_of((100, 70), "uint8")
    for layout, expected in (("tiles", [6, 7, 11, 12]), ("strips", [1, 2])):
        decoded.clear()
        tifffile.imwrite(tmp_path / "a.tif", pixels, compression="deflate", metadata=None, **LAYOUTS[layout])
        window = read_raster(tmp_path / "a.tif", np.s_[40:70, 20:40]).pixels
        np.testing.assert_array_equal(window, pixels[40:70, 20:40])
        assert decoded == expected


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
def test_a_last_strip_of_full_length_is_read_as_far_as_the_image_reaches(tmp_path: Path, compression: str) -> None:
    pixels, path = pixels_of((96, 70), "uint8"), tmp_path / "a.tif"
    tifffile.imwrite(path, pixels, compression=compression, rowsperstrip=24, metadata=None)
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages[0].tags["ImageLength"].overwrite(80)
    np.testing.assert_array_equal(read_raster(path).pixels, pixels[:80])


def test_a_damaged_segment_is_refused(tmp_path: Path) -> None:
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
    with pytest.raises(InputError, match=r"a\.tif: not readable as an image \(segment 1 has 512 bytes instead of 2048"):
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
