from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from landcover.images.no_data import Raster, Regions
from landcover.images.raster import write_raster
from landcover.prediction.sar_scene import open_scene
from landcover.prediction.scene_no_data import write_no_data_mask

pytestmark = pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")


def found(path: Path, min_area: int = 1000, strip_pixels: int = 1) -> NDArray[np.bool_]:
    """The mask that is written, in strips of 256 rows."""
    with open_scene(path) as scene:
        write_no_data_mask([scene], path.with_name("mask.tif"), min_area, strip_pixels)
    with rasterio.open(path.with_name("mask.tif")) as file:
        return file.read(1).astype(bool)


def snake(height: int, width: int) -> NDArray[np.uint8]:
    """Ones with a region of zeros that enters at the top, crosses every strip twice and ends inside."""
    image = np.ones((height, width), np.uint8)
    image[:-10, 5] = image[-10, 5:30] = image[40:-9, 30] = image[40, 30:60] = 0
    image[100:700, 80:83] = 0  # inside, through all strips
    image[255, 100], image[256, 101] = 0, 0  # two pixels that touch by a corner between strips
    return image


@pytest.mark.parametrize("min_area", [1, 500, 3000])
def test_regions_are_followed_through_strips(tmp_path: Path, min_area: int) -> None:
    image = snake(770, 120)
    write_raster(tmp_path / "scene.tif", image)
    mask = found(tmp_path / "scene.tif", min_area)
    np.testing.assert_array_equal(mask, Raster(image).no_data(min_area))
    assert mask.sum() == (1535 if min_area < 1535 else 0)


@pytest.mark.parametrize("seed", range(6))
def test_equals_the_mask_of_the_whole_image(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    height, width = (int(side) for side in rng.integers(1, 900, 2))
    image = (rng.random((height, width)) > rng.uniform(0.2, 0.7)).astype(np.uint8)  # near the percolation threshold
    write_raster(tmp_path / "scene.tif", image)
    for min_area in (1, 40, 1000):
        np.testing.assert_array_equal(found(tmp_path / "scene.tif", min_area), Raster(image).no_data(min_area))


def test_a_scene_without_zeros_has_no_mask_and_one_of_zeros_nothing_else(tmp_path: Path) -> None:
    for value in (0, 1):
        write_raster(tmp_path / f"{value}.tif", np.full((600, 300), value, np.uint8))
        assert found(tmp_path / f"{value}.tif").all() == (value == 0)
    assert not found(tmp_path / "1.tif").any()


def test_strips_whose_zeros_are_data_are_not_searched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three strips have dark pixels, and the first one a wedge at its corner."""
    image, searched = np.ones((700, 200), np.uint8), []
    image[100::200, 50:60] = 0
    image[:60, :60] = 0
    regions_of = Regions.of

    def counting(empty: NDArray[np.bool_]) -> Regions:
        searched.append(len(empty))
        return regions_of(empty)

    monkeypatch.setattr(Regions, "of", staticmethod(counting))
    write_raster(tmp_path / "scene.tif", image)
    mask = found(tmp_path / "scene.tif")
    assert searched == [256, 256, 188, 256]
    assert mask[:60, :60].all() and mask.sum() == 3600


def write(path: Path, image: NDArray[np.generic], nodata: float | None) -> Path:
    height, width = image.shape
    with rasterio.open(path, "w", "GTiff", width, height, 1, dtype=image.dtype, nodata=nodata) as file:
        file.write(image, 1)
    return path


def test_declared_no_data_counts_wherever_it_lies_and_links_zeros_with_the_border(tmp_path: Path) -> None:
    image = np.ones((40, 50), np.float32)
    image[10, 10], image[20, 20] = -9999, np.nan
    image[0:3, 0:5] = -9999
    image[3:6, 0:5] = 0  # next to it: together 30 pixels at the border
    image[15, 30:40] = 0  # inside
    expected = np.zeros((40, 50), bool)
    expected[10, 10] = expected[20, 20] = expected[0:6, 0:5] = True
    np.testing.assert_array_equal(found(write(tmp_path / "scene.tif", image, -9999), min_area=25), expected)


def test_a_declared_zero_does_not_make_dark_water_no_data(tmp_path: Path) -> None:
    image = np.ones((40, 50), np.uint8)
    image[0:10, 0:10] = image[20, 20:30] = 0
    expected = np.zeros((40, 50), bool)
    expected[0:10, 0:10] = True
    np.testing.assert_array_equal(found(write(tmp_path / "scene.tif", image, 0), min_area=100), expected)
