from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp

from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.prediction.sar_scene import SAMPLE, open_scene

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")

ALL = slice(0, 4), slice(0, 5)


def write(path: Path, bands: NDArray[np.generic], **profile: object) -> Path:
    count, height, width = bands.shape
    shape = {"width": width, "height": height, "count": count, "dtype": bands.dtype}
    with rasterio.open(path, "w", driver="GTiff", **shape, **profile) as file:
        file.write(bands)
    return path


def test_windows_hold_the_values_of_the_file(tmp_path: Path) -> None:
    image = np.arange(20, dtype=np.uint16).reshape(1, 4, 5)
    with open_scene(write(tmp_path / "scene.tif", image)) as scene:
        values, missing = scene.read(slice(1, 3), slice(2, 5))
        assert (scene.grid.height, scene.grid.width, scene.dtype) == (4, 5, np.uint16)
    assert values.tolist() == [[7, 8, 9], [12, 13, 14]] and values.dtype == np.uint16
    assert not missing.any()


def test_what_is_declared_or_no_finite_number_is_missing_and_read_as_zero(tmp_path: Path) -> None:
    image = np.full((1, 4, 5), 7, np.float32)
    image[0, 0, :4] = -9999, np.nan, np.inf, 0
    with open_scene(write(tmp_path / "scene.tif", image, nodata=-9999)) as scene:
        values, missing = scene.read(*ALL)
        sample = scene.sample()
    assert values[0].tolist() == sample[0].tolist() == [0, 0, 0, 0, 7]
    assert missing[0].tolist() == [True, True, True, False, False]
    assert not missing[1:].any()


def test_an_alpha_band_masks(tmp_path: Path) -> None:
    bands = np.full((2, 4, 5), 9, np.uint8)
    bands[1] = 255
    bands[1, 2, 3] = 0
    path = write(tmp_path / "scene.tif", bands)
    with rasterio.open(path, "r+") as file:
        file.colorinterp = [ColorInterp.gray, ColorInterp.alpha]
    with open_scene(path) as scene:
        values, missing = scene.read(*ALL)
    assert np.argwhere(missing).tolist() == [[2, 3]]
    assert values[2, 3] == 0 and np.delete(values, 13).tolist() == [9] * 19


def test_a_sample_takes_every_nth_value_of_a_large_scene(tmp_path: Path) -> None:
    image = np.zeros((1, 3, 2 * SAMPLE + 1), np.uint8)
    image[0, :, ::3] = 5
    with open_scene(write(tmp_path / "scene.tif", image)) as scene:
        sample = scene.sample()
    assert sample.shape == (1, (2 * SAMPLE + 1 + 2) // 3)
    assert set(np.unique(sample)) <= {0, 5}


def test_scenes_that_can_not_be_used_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no image")
    write(tmp_path / "rgb.tif", np.zeros((3, 4, 5), np.uint8))
    write(tmp_path / "double.tif", np.zeros((1, 4, 5), np.float64))
    for name, message in {
        "absent": "expected a GeoTIFF, found none; check the path",
        "text": r"not readable as an image \(.*not recognized as being in a supported file format.*\); fetch it again",
        "rgb": "expected a SAR image of one band, found 3; this looks like an optical image",
        "double": "expected SAR values of uint8, uint16 or float32, found float64; convert the file",
    }.items():
        with pytest.raises(InputError, match=rf"{name}\.tif: {message}") as error, open_scene(tmp_path / f"{name}.tif"):
            pass
        assert "\n" not in str(error.value)


def test_a_scene_that_was_cut_off_is_told_when_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scene.tif"
    write_raster(path, np.random.default_rng(0).integers(1, 255, (600, 600), dtype=np.uint8))
    with rasterio.open(path) as file:
        assert file.profile["tiled"]
    path.write_bytes(path.read_bytes()[:200_000])
    with open_scene(path) as scene, pytest.raises(InputError, match=r"scene\.tif: .* damaged or cut off, fetch it"):
        scene.read(slice(0, 600), slice(0, 600))
