from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from landcover.images.modality import read_whole
from landcover.images.raster import read_optical, write_raster
from landcover.prediction.optical_scene import open_optical_scene
from landcover.prediction.scene_no_data import write_no_data_mask


def test_bands_are_those_that_the_file_names_in_scenes_and_tiles_alike(tmp_path: Path) -> None:
    blue, green, red, infrared = (np.full((40, 60), value, np.uint8) for value in (10, 20, 30, 40))
    with rasterio.open(tmp_path / "bgrn.tif", "w", "GTiff", 60, 40, 4, dtype="uint8") as file:
        file.write(np.stack([blue, green, red, infrared]))
        file.colorinterp = [ColorInterp.blue, ColorInterp.green, ColorInterp.red, ColorInterp.undefined]
    write_raster(tmp_path / "sar.tif", np.ones((40, 60), np.uint8))
    assert read_optical(tmp_path / "bgrn.tif").pixels[0, 0].tolist() == [30, 20, 10]
    assert read_optical(tmp_path / "bgrn.tif", np.s_[3:5, 7:9]).pixels[1, 1].tolist() == [30, 20, 10]
    with open_optical_scene(tmp_path / "bgrn.tif", tmp_path / "sar.tif") as scene:
        assert scene.read().pixels[0, 0].tolist() == [30, 20, 10]


@pytest.mark.parametrize("profile", [{}, {"nodata": 255}])
def test_a_fourth_band_says_nothing_about_no_data_in_scenes_and_tiles_alike(
    tmp_path: Path, profile: dict[str, int]
) -> None:
    bands = np.full((4, 60, 40), 90, np.uint8)
    bands[:3, :, :30] = 255 if profile else 0  # near infrared goes on
    place = from_origin(3e5, 4e6, 0.5, 0.5)
    size = {"count": 4, "height": 60, "width": 40, "dtype": "uint8", "photometric": "rgb", "alpha": "no"}
    with rasterio.open(
        tmp_path / "rgb.tif", "w", "GTiff", **size, crs="EPSG:32654", transform=place, **profile
    ) as file:
        file.write(bands)
    write_raster(tmp_path / "sar.tif", np.ones((60, 40), np.uint8))
    with open_optical_scene(tmp_path / "rgb.tif", tmp_path / "sar.tif") as scene:
        write_no_data_mask([scene], tmp_path / "mask.tif")
        assert scene.read().pixels.shape == (60, 40, 3)
    with rasterio.open(tmp_path / "mask.tif") as mask:
        found = mask.read(1).astype(bool)
    assert found[:, :30].all() and not found[:, 30:].any()
    np.testing.assert_array_equal(read_whole(tmp_path / "rgb.tif", "optical")[1], found)
