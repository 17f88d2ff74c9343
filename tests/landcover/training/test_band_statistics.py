import numpy as np
import pytest

from landcover.raster import write_raster
from landcover.training.band_statistics import band_statistics


def write_images(folder, *images):
    paths = [folder / f"{number}.tif" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        write_raster(path, image)
    return paths


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_mean_and_deviation_are_those_of_all_pixels(tmp_path, dtype):
    rng = np.random.default_rng(0)
    images = [(1 + 200 * rng.random(shape)).astype(dtype) for shape in ((30, 40), (50, 20), (7, 9))]
    pixels = np.concatenate([image.ravel() for image in images]).astype(np.float64)
    mean, std = band_statistics(write_images(tmp_path, *images))
    assert mean == pytest.approx(pixels.mean(), rel=1e-12)
    assert std == pytest.approx(pixels.std(), rel=1e-9)


def test_no_data_is_left_out_and_dark_pixels_inside_are_not(tmp_path):
    image = np.full((64, 64), 100, np.uint8)
    image[:, :32] = 0
    image[40, 50] = 0
    mean, std = band_statistics(write_images(tmp_path, image))
    assert mean == pytest.approx(100 * (2048 - 1) / 2048)
    assert std == pytest.approx(np.sqrt(100**2 * 2047 / 2048 - mean**2))


def test_images_without_any_data_give_numbers_to_divide_by(tmp_path):
    mean, std = band_statistics(write_images(tmp_path, np.zeros((64, 64), np.uint8)))
    assert mean == 0 and 0 < std < 1e-3
