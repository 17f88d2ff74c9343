import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import torch
from sar_scenes import write_scene

from landcover.errors import InputError
from landcover.sar.units import (
    UNITS,
    check_values,
    declared_unit,
    from_intensity,
    multiply_intensity,
    to_decibels,
    to_intensity,
)

PATH = Path("tile.tif")


def float32(*values):
    return np.array([values], np.float32)


@pytest.mark.parametrize(
    ("unit", "dtype", "expected"),
    [
        (None, np.uint8, "amplitude"),
        ("amplitude", np.uint8, "amplitude"),
        ("intensity", np.uint16, "intensity"),
        ("amplitude", np.float32, "amplitude"),
        ("decibel", np.float32, "decibel"),
    ],
)
def test_units_are_what_is_declared_and_uint8_needs_no_declaration(unit, dtype, expected):
    assert declared_unit(unit, dtype) == expected


@pytest.mark.parametrize(
    ("unit", "dtype", "message"),
    [
        (
            None,
            np.float32,
            "sar.unit: expected 'amplitude', 'intensity' or 'decibel' for float32 SAR images, found None; "
            "declare what the values are",
        ),
        (None, np.uint16, "sar.unit: expected 'amplitude' or 'intensity' for uint16 SAR images, found None; declare"),
        ("dB", np.float32, "'decibel' for float32 SAR images, found 'dB'; correct"),
        ("decibel", np.uint8, "expected 'amplitude' or 'intensity' for uint8 SAR images, found 'decibel'"),
        ("decibel", np.uint16, "expected 'amplitude' or 'intensity' for uint16 SAR images, found 'decibel'"),
    ],
)
def test_units_that_can_not_be_are_refused(unit, dtype, message):
    with pytest.raises(InputError) as error:
        declared_unit(unit, dtype)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("image", "unit"),
    [
        (np.full((2, 2), 255, np.uint8), "amplitude"),
        (float32(0, 0.02, 3000), "intensity"),
        (float32(-25, -3, 12, 0), "decibel"),
        (float32(3, 8, 15), "decibel"),  # a bright town without one pixel below 0 dB
        (float32(-120, 60), "decibel"),
        (float32(0, 0), "decibel"),  # no data
    ],
)
def test_plausible_values_pass(image, unit):
    before = image.copy()
    check_values(image, unit, PATH)
    np.testing.assert_array_equal(image, before)


@pytest.mark.parametrize(
    ("image", "unit", "message"),
    [
        (float32(5, -18.5), "amplitude", "amplitude values of at least 0, found -18.5; these look like decibels"),
        (float32(5, -18.5), "intensity", "at least 0, found -18.5; these look like decibels, set sar.unit=decibel"),
        (float32(-20, 200), "decibel", "from -120 to 60, found -20 to 200; if 200 stands for no data"),
        (float32(-9999, 5), "decibel", "from -120 to 60, found -9999 to 5; if -9999 stands for no data"),
        (float32(0, 200), "decibel", "found 0 to 200; these look linear, set sar.unit=amplitude or sar.unit=intensity"),
        (float32(-9999, 5), "amplitude", "amplitude values of at least 0, found -9999; if -9999 stands for no data"),
        (float32(10, 30, 50, 0, 0, 0, 0), "decibel", "found no negative value and a median of 30; these look linear"),
        (float32(0.25, 0.125, 4, 0, 0), "decibel", "found no negative value and a median of 0.25; these look linear"),
    ],
)
def test_values_of_another_unit_are_refused_with_file_and_cure(image, unit, message):
    with pytest.raises(InputError) as error:
        check_values(image, unit, PATH)
    assert str(error.value).startswith("tile.tif: expected") and message in str(error.value)


@pytest.mark.parametrize("value", [-9999.0, -3.4028234663852886e38])
def test_the_command_of_the_message_declares_the_value_of_no_data(tmp_path, value):
    path = write_scene(tmp_path / "my tile.tif", float32(value, -12))
    with pytest.raises(InputError) as told:
        check_values(float32(value, -12), "decibel", path)
    command = str(told.value).partition("declare it: ")[2].partition(";")[0]
    subprocess.run(shlex.split(command), check=True, env={"PATH": str(Path(sys.executable).parent)})
    with rasterio.open(path) as file:
        assert file.read_masks(1).tolist() == [[0, 255]]


@pytest.mark.parametrize(("values", "unit"), [((5, -18.5), "amplitude"), ((20, 200), "decibel")])
def test_a_unit_that_a_message_names_is_taken(values, unit):
    with pytest.raises(InputError, match=r"set sar\.unit=") as told:
        check_values(float32(*values), unit, PATH)
    for named in re.findall(r"sar\.unit=(\w+)", str(told.value)):
        check_values(float32(*values), declared_unit(named, np.float32), PATH)


def test_the_same_intensity_in_three_units():
    pixels = {"amplitude": [0.0, 10.0, 0.1], "intensity": [0.0, 100.0, 0.01], "decibel": [0.0, 20.0, -20.0]}
    intensity = torch.tensor(pixels["intensity"])
    for unit in UNITS:
        values = torch.tensor(pixels[unit])
        torch.testing.assert_close(to_intensity(values, unit), intensity)
        torch.testing.assert_close(from_intensity(intensity, unit), values)
        decibels = to_decibels(values, unit, floor=0.1 if unit == "amplitude" else 0.01)
        # 0 is raised to the floor where values are linear, and is left where they are decibels
        torch.testing.assert_close(decibels, torch.tensor([0.0 if unit == "decibel" else -20.0, 20.0, -20.0]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.uint16])
def test_integers_become_float32(dtype):
    pixels = torch.tensor([0, 3, 200]).to(dtype)
    assert to_intensity(pixels, "amplitude").tolist() == [0.0, 9.0, 40000.0]
    assert to_intensity(pixels, "intensity").tolist() == [0.0, 3.0, 200.0]
    assert to_decibels(pixels, "intensity", 1.0).dtype == torch.float32


@pytest.mark.parametrize(
    ("image", "unit", "expected"),
    [
        (np.array([[0, 10, 200]], np.uint8), "amplitude", [[0, 20, 255]]),
        (np.array([[0, 10, 200]], np.uint8), "intensity", [[0, 40, 255]]),
        (np.array([[0, 10, 40000]], np.uint16), "amplitude", [[0, 20, 65535]]),
        (float32(0, 1.5), "amplitude", [[0, 3]]),
        (float32(0, 1.5), "intensity", [[0, 6]]),
        (float32(0, -10), "decibel", [[0, -10 + 20 * np.log10(2)]]),
    ],
)
def test_intensity_times_four_keeps_zeros_types_and_limits(image, unit, expected):
    result = multiply_intensity(image, 4.0, unit)
    assert result.dtype == image.dtype
    np.testing.assert_allclose(result, expected, rtol=1e-6)
    everywhere = np.full(image.shape, 4, np.float32)
    np.testing.assert_allclose(multiply_intensity(image, everywhere, unit), expected, rtol=1e-6)


def test_integers_are_rounded():
    result = multiply_intensity(np.array([[10, 11, 13]], np.uint8), 0.25, "amplitude")
    np.testing.assert_array_equal(result, [[5, 6, 6]])  # 5, 5.5 and 6.5, halves to even
