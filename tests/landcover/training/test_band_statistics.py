import numpy as np
import pytest
from sar_scenes import write_scene

from landcover.errors import InputError
from landcover.images.raster import write_raster
from landcover.sar.stretch import STRETCHES
from landcover.sar.training_values import TrainingValues
from landcover.training.band_statistics import BandStatistics, band_statistics


def write_images(folder, *images):
    paths = [folder / f"{number}.tif" for number in range(len(images))]
    for path, image in zip(paths, images, strict=True):
        write_raster(path, image)
    return paths


def three_images(dtype):
    rng = np.random.default_rng(0)
    return [(1 + 200 * rng.random(shape)).astype(dtype) for shape in ((30, 40), (50, 20), (7, 9))]


def all_values(images):
    return np.concatenate([image.ravel() for image in images]).astype(np.float64)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
def test_mean_and_deviation_are_those_of_all_pixels(tmp_path, dtype):
    images = three_images(dtype)
    pixels = all_values(images)
    statistics = band_statistics(write_images(tmp_path, *images), "amplitude")
    assert statistics.mean == pytest.approx(pixels.mean(), rel=1e-12)
    assert statistics.std == pytest.approx(pixels.std(), rel=1e-9)
    assert (statistics.unit, statistics.stretch, statistics.empty) == ("amplitude", None, ())


def test_no_data_is_left_out_and_dark_pixels_inside_are_not(tmp_path):
    image = np.full((64, 64), 100, np.uint8)
    image[:, :32] = 0
    image[40, 50] = 0
    statistics = band_statistics(write_images(tmp_path, image))
    assert statistics.mean == pytest.approx(100 * (2048 - 1) / 2048)
    assert statistics.std == pytest.approx(np.sqrt(100**2 * 2047 / 2048 - statistics.mean**2))


def test_images_without_a_pixel_with_data_are_named_and_do_not_count(tmp_path):
    paths = write_images(tmp_path, np.zeros((64, 64), np.uint8), np.full((64, 64), 9, np.uint8))
    statistics = band_statistics(paths)
    assert statistics.empty == (paths[0],) and statistics.mean == 9 and 0 < statistics.std < 1e-3


@pytest.mark.parametrize("stretch", [None, "log", "percentile"])
def test_a_training_set_without_data_is_refused(tmp_path, stretch):
    paths = write_images(tmp_path, *[np.zeros((64, 64), np.uint8)] * 2)
    with pytest.raises(InputError, match=r"expected SAR images with data, found only no-data pixels in all 2 of them"):
        band_statistics(paths, stretch=stretch)
    with pytest.raises(InputError, match="SAR images: expected at least one, found none"):
        band_statistics([], stretch=stretch)


@pytest.mark.parametrize(("unit", "factor"), [("amplitude", 20), ("intensity", 10)])
def test_log_statistics_are_those_of_decibels_above_the_floor(tmp_path, unit, factor):
    images = three_images("float32")
    images[0][10, 10] = 0.0  # dark, not no data
    statistics = band_statistics(write_images(tmp_path, *images), unit, "log")
    pixels = all_values(images)
    floor = np.percentile(pixels[pixels > 0].astype(np.float32), 0.1)
    assert statistics.stretch == {"type": "log", "floor": pytest.approx(floor, rel=1e-6)}
    decibels = factor * np.log10(np.maximum(pixels, floor))
    assert statistics.mean == pytest.approx(decibels.mean(), rel=1e-6)
    assert statistics.std == pytest.approx(decibels.std(), rel=1e-5)


def test_percentile_statistics_are_those_of_clipped_values(tmp_path):
    images = three_images("uint8")
    statistics = band_statistics(write_images(tmp_path, *images), stretch="percentile")
    pixels = all_values(images)
    low, high = np.percentile(pixels, (1, 99))
    assert statistics.stretch == {"type": "percentile", "low": low, "high": high}
    assert statistics.mean == pytest.approx(np.clip(pixels, low, high).mean(), rel=1e-9)
    assert statistics.std == pytest.approx(np.clip(pixels, low, high).std(), rel=1e-6)


def test_percentiles_of_large_tiles_come_from_pixels_all_over_them(tmp_path):
    ramp = np.broadcast_to(np.arange(512, dtype=np.uint16), (512, 512)).copy()
    stretch = band_statistics(write_images(tmp_path, ramp, ramp.T), "amplitude", "percentile").stretch
    # 2 x 4,096 of the values 0..511: a percentile of such a sample deviates by less than 1 % of the range
    assert stretch["low"] == pytest.approx(5.1, abs=5) and stretch["high"] == pytest.approx(505.9, abs=5)


def write_stacks(folder, *stacks):
    """Images (H, W, 2) with bands VV and VH."""
    paths = [folder / f"{number}.tif" for number in range(len(stacks))]
    for path, stack in zip(paths, stacks, strict=True):
        write_scene(path, stack, descriptions=("VV", "VH"))
    return paths


@pytest.mark.parametrize("stretch", [None, "log", "percentile"])
def test_every_band_has_the_statistics_that_it_has_alone(tmp_path, stretch):
    first, second = three_images("float32"), [image / 7 for image in three_images("float32")]
    stacks = write_stacks(tmp_path / "both", *(np.stack(pair, axis=-1) for pair in zip(first, second, strict=True)))
    both = band_statistics(stacks, "intensity", stretch, ("VH", "VV"))
    alone = []
    for name, images in (("vh", second), ("vv", first)):
        (tmp_path / name).mkdir()
        alone.append(band_statistics(write_images(tmp_path / name, *images), "intensity", stretch))
    assert both.means == tuple(found.mean for found in alone)
    assert both.stds == tuple(found.std for found in alone)
    assert both.values == TrainingValues(("VH", "VV"), "float32", tuple(found.values.percentiles[0] for found in alone))
    expected = {name: [found.stretch[name] for found in alone] for name in STRETCHES[stretch]} if stretch else None
    assert both.stretch == (expected and {"type": stretch, **expected})
    one = band_statistics(stacks, "intensity", stretch, ("VV",))
    assert (one.mean, one.std, one.stretch) == (alone[1].mean, alone[1].std, alone[1].stretch)


def test_values_of_the_files_are_kept_whatever_the_stretch(tmp_path):
    images = three_images("uint8")
    images[0][:, :] = 0
    paths = write_images(tmp_path, *images)
    for stretch in (None, "log", "percentile"):
        values = band_statistics(paths, stretch=stretch).values
        low, middle, high = np.percentile(all_values(images[1:]), (1, 50, 99))
        assert values == TrainingValues((), "uint8", ((low, middle, high),))


def test_values_of_one_band_that_are_of_another_unit_are_refused_by_file(tmp_path):
    stack = np.stack([np.full((8, 8), -3), np.full((8, 8), 300)], axis=-1).astype(np.float32)
    paths = write_stacks(tmp_path, stack)
    with pytest.raises(InputError, match=r"0.tif: expected decibels from -120 to 60, found 300 to 300"):
        band_statistics(paths, "decibel", bands=(1, 2))


def test_images_in_decibels_need_no_logarithm(tmp_path):
    image = np.random.default_rng(0).normal(-12, 4, (40, 40)).astype(np.float32)
    paths = write_images(tmp_path, image)
    assert band_statistics(paths, "decibel", "log") == band_statistics(paths, "decibel")
    assert band_statistics(paths, "decibel").mean == pytest.approx(image.astype(np.float64).mean())


@pytest.mark.parametrize("stretch", [None, "log", "percentile"])
def test_a_constant_training_set_gives_numbers_to_divide_by(tmp_path, stretch):
    statistics = band_statistics(write_images(tmp_path, np.full((8, 8), 20, np.uint8)), stretch=stretch)
    assert statistics.mean == pytest.approx(20 * np.log10(20) if stretch == "log" else 20)
    assert 0 < statistics.std < 1e-2


@pytest.mark.parametrize("stretch", [None, "percentile"])
def test_images_of_several_types_are_refused_by_name(tmp_path, stretch):
    paths = write_images(tmp_path, *(np.ones((8, 8), dtype) for dtype in (np.uint8, np.uint8, np.uint16)))
    with pytest.raises(InputError, match=r"2.tif: expected uint8 as in .*0.tif, found uint16; convert"):
        band_statistics(paths, stretch=stretch)


def test_values_of_another_unit_are_refused_by_file(tmp_path):
    paths = write_images(tmp_path, np.full((8, 8), 3, np.float32), np.full((8, 8), -3, np.float32))
    with pytest.raises(InputError, match=r"1.tif: expected intensity values of at least 0, found -3; .*decibel"):
        band_statistics(paths, "intensity")


def test_units_and_stretches_must_be_known(tmp_path):
    paths = write_images(tmp_path, np.full((8, 8), 3, np.float32))
    with pytest.raises(InputError, match=r"sar.unit: expected .* for float32 SAR images, found None"):
        band_statistics(paths)
    with pytest.raises(InputError, match=r"sar.stretch: expected None or 'log' or 'percentile', found 'root'"):
        band_statistics(paths, "amplitude", "root")


def test_statistics_are_the_same_in_every_run(tmp_path):
    paths = write_images(tmp_path, *three_images("float32"))
    first = band_statistics(paths, "amplitude", "log")
    assert isinstance(first, BandStatistics)
    assert all(band_statistics(paths, "amplitude", "log") == first for _ in range(5))
