from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.control import GroundControlPoint
from rasterio.crs import CRS
from rasterio.transform import from_origin

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
