from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
import tifffile
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_origin
from scipy.io import netcdf_file

from landcover.errors import InputError
from landcover.prediction.sar_scene import open_scene, warn_of_place

UTM = CRS.from_epsg(32654)
POINTS = [GroundControlPoint(row, column, 139 + column / 1e4, 36 - row / 1e4) for row in (0, 4) for column in (0, 5)]


def write(path: Path, bands: int = 1, dtype: str = "uint8", **profile: object) -> Path:
    with rasterio.open(path, "w", "GTiff", 5, 4, bands, dtype=dtype, **profile) as file:
        file.write(np.ones((bands, 4, 5), dtype))
    return path


def test_scenes_that_can_not_be_used_are_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.tif").write_text("no image")
    write(tmp_path / "rgb.tif", 3)
    write(tmp_path / "two.tif", 2, "float32")
    for name, message in {
        "absent": "expected an image file, found none; check the path",
        "text": r"not readable as an image \(.*not recognized as being in a supported file format.*\); .*fetch it",
        "rgb": "expected a SAR image of one band, found 3; this looks like an optical image",
        "two": r"expected a SAR image of one band, found 2 \(1, 2\); .* sar\.band=1 or .* -b 1\)",
    }.items():
        with pytest.raises(InputError, match=rf"{name}\.tif: {message}") as error, open_scene(tmp_path / f"{name}.tif"):
            pass
        assert "\n" not in str(error.value)


def test_a_scene_of_several_pages_is_refused_and_the_advice_makes_one_of_a_page(tmp_path: Path) -> None:
    path, new = tmp_path / "my pages.tif", tmp_path / "NEW.tif"
    pixels = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    tifffile.imwrite(path, pixels, photometric="minisblack", metadata=None)
    with pytest.raises(InputError, match=r"my pages\.tif: expected one image, found 3 pages; .*: rio convert") as error:
        with open_scene(path):
            pass
    _follow(str(error.value), tmp_path)
    with open_scene(new) as scene:
        np.testing.assert_array_equal(scene.read().pixels, pixels[0])


def test_a_container_of_several_images_is_refused_and_the_advice_makes_a_file_of_one(tmp_path: Path) -> None:
    pixels = np.arange(1, 21, dtype=np.int16).reshape(4, 5)
    with netcdf_file(tmp_path / "two.nc", "w") as file:
        file.createDimension("y", 4)
        file.createDimension("x", 5)
        for name in ("vv", "vh"):
            file.createVariable(name, "i2", ("y", "x"))[:] = pixels
    with pytest.raises(InputError, match=r"two\.nc: expected one image, found 2 \(.*vv, .*vh\); .* rio") as error:
        with open_scene(tmp_path / "two.nc"):
            pass
    _follow(str(error.value), tmp_path)
    with open_scene(tmp_path / "NEW.tif") as scene:
        assert sorted(scene.read().pixels.ravel().tolist()) == [*range(1, 21)]


def _follow(message: str, folder: Path) -> None:
    """Runs the command at the end of a message."""
    command = shlex.split(message[message.index("rio convert") :])
    subprocess.run([Path(sys.executable).with_name("rio"), *command[1:]], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize(
    ("profile", "warning"),
    [
        ({"crs": UTM, "transform": from_origin(3e5, 39e5, 0.5, 0.5)}, ""),
        ({"crs": UTM, "gcps": POINTS}, ""),
        ({}, "no georeferencing; the map will have none either"),
        ({"transform": from_origin(3e5, 39e5, 0.5, 0.5)}, "a transform without a coordinate system; the map"),
        ({"crs": CRS(), "gcps": POINTS}, "control points without a coordinate system; the map"),
    ],
)
def test_a_place_that_a_gis_does_not_know_is_warned_of(tmp_path: Path, capsys, profile: dict, warning: str) -> None:
    with open_scene(write(tmp_path / "a.tif", **profile)) as scene:
        warn_of_place(scene)
    told = capsys.readouterr().err
    assert warning in told and bool(told) == bool(warning)
