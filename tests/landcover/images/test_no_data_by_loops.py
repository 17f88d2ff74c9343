"""The validity rule against the same rule written with loops, on tiles and on scenes that are read strip by strip."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from landcover.images.no_data import MIN_AREA
from landcover.images.raster import read_sar
from landcover.images.source import open_source
from landcover.prediction.scene_no_data import write_no_data_mask

HEIGHTS = (1, 2, 9, 256, 257, 300, 320, 520, 540)
"""Strips have 256 rows: scenes of one, two and three of them."""


@dataclass(frozen=True)
class Scene:
    """A raster as drawn: blobs and lines of zeros and of no-data values in a ground of data."""

    dtype: str
    shape: tuple[int, int]
    no_data: float | None
    masked: bool
    min_area: int
    empty: str  # of what there is nothing else in the image, or ""
    seed: int

    @property
    def values(self) -> NDArray[Any]:
        rng = np.random.default_rng(self.seed)
        special = [0.0] if self.no_data is None else [0.0, self.no_data]
        if self.dtype == "float32":
            special += [math.nan, math.inf, -3.4e38]
        if self.empty == "some of each":
            return rng.choice(special, self.shape).astype(self.dtype)
        if self.empty:
            return np.full(self.shape, 0.0 if self.empty == "zeros" else special[-1]).astype(self.dtype)
        values = rng.integers(1, 99, self.shape).astype(self.dtype)
        height, width = self.shape
        for _ in range(rng.integers(0, 12)):
            y, x = rng.integers(height), rng.integers(width)
            h, w = rng.integers(1, 4 if rng.random() < 0.5 else height + 1), rng.integers(1, 4)
            values[y : y + h, x : x + w] = rng.choice(special)
        for _ in range(rng.integers(0, 4)):  # diagonals, which hang together by corners alone, also from strip to strip
            steps = np.arange(rng.integers(1, 30))
            y = max(min(height, 257) - int(rng.integers(1, 25)), 0) + steps
            x = rng.integers(width) + rng.choice([-1, 1]) * steps
            inside = (y < height) & (x >= 0) & (x < width)
            values[y[inside], x[inside]] = rng.choice(special)
        values[rng.random(self.shape) < 0.02] = 0
        return values

    @property
    def mask(self) -> NDArray[np.bool_]:
        """Pixels that the mask of the file calls valid."""
        rng = np.random.default_rng(self.seed + 1)
        valid = rng.random(self.shape) > 0.01
        y, x = rng.integers(self.shape[0]), rng.integers(self.shape[1])
        valid[y : y + 5, x : x + 2] = False
        return valid


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    dtype = draw(st.sampled_from(["uint8", "uint16", "float32"]))
    no_data = draw(st.sampled_from({"float32": [None, 0.0, math.nan, -9999.0]}.get(dtype, [None, None, 0.0, 255.0])))
    return Scene(
        dtype,
        (draw(st.sampled_from(HEIGHTS)), draw(st.integers(1, 24))),
        no_data,
        no_data is None and draw(st.booleans()),
        draw(st.sampled_from([1, 2, 5, 20, 60, MIN_AREA])),
        draw(st.sampled_from([*[""] * 5, "zeros", "declared", "some of each"])),
        draw(st.integers(0, 2**31)),
    )


def write(path: Path, scene: Scene) -> None:
    height, width = scene.shape
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "dtype": scene.dtype}
    with (
        warnings.catch_warnings(action="ignore"),
        rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True),
        rasterio.open(path, "w", **profile, nodata=scene.no_data) as file,
    ):
        file.write(scene.values, 1)
        if scene.masked:
            file.write_mask(np.where(scene.mask, 255, 0).astype(np.uint8))


def by_loops(scene: Scene) -> list[list[bool]]:
    """Which pixels are no data: declared, no number, or in a region of those and zeros that reaches the border."""
    height, width = scene.shape
    values, mask = scene.values.astype(float).tolist(), scene.mask.tolist()
    integer = scene.dtype != "float32"
    # the exception: a declared 0 of integers is dark water as often, but its large regions count wherever they lie
    zero_declared = integer and scene.no_data == 0
    missing, empty = ([[False] * width for _ in range(height)] for _ in range(2))
    for y in range(height):
        for x in range(width):
            value = values[y][x]
            declared = scene.no_data is not None and not zero_declared and value == scene.no_data
            unmeasured = math.isnan(value) or abs(value) >= 1e30
            missing[y][x] = declared or unmeasured or (scene.masked and not mask[y][x])
            empty[y][x] = missing[y][x] or value == 0
    if all(all(row) for row in empty):
        return empty
    no_data = [list(row) for row in missing]
    for region in regions(empty):
        at_border = any(y in (0, height - 1) or x in (0, width - 1) for y, x in region)
        if len(region) >= scene.min_area and (at_border or zero_declared):
            for y, x in region:
                no_data[y][x] = True
    return no_data


def regions(flags: Sequence[Sequence[bool]]) -> list[list[tuple[int, int]]]:
    """Pixels of every 8-connected region."""
    left = {(y, x) for y, row in enumerate(flags) for x, flag in enumerate(row) if flag}
    found = []
    while left:
        region = [left.pop()]
        for y, x in region:  # grows while it is walked through
            for other in [(y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)]:
                if other in left:
                    left.remove(other)
                    region.append(other)
        found.append(region)
    return found


def of_scene(path: Path, folder: Path, min_area: int) -> NDArray[np.bool_]:
    """The mask that a scene of this file gets."""
    with open_source(path, measured=True) as source:
        write_no_data_mask([source], folder / "mask.tif", min_area=min_area, strip_pixels=1)
    with rasterio.open(folder / "mask.tif") as file:
        mask: NDArray[np.bool_] = file.read(1) == 1
    return mask


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(scenes())
def test_tiles_and_scenes_have_no_data_where_loops_find_it(scene: Scene) -> None:
    with TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        path = Path(folder) / "a.tif"
        write(path, scene)
        expected = np.array(by_loops(scene))
        raster = read_sar(path)
        found = raster.no_data(min_area=scene.min_area)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(of_scene(path, Path(folder), scene.min_area), expected)
        lacking = np.zeros(scene.shape, bool) if raster.missing is None else raster.missing
        np.testing.assert_array_equal(raster.pixels, np.where(lacking, 0, np.nan_to_num(scene.values)))


@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (20, 30), (31, 33), (300, 5)])
@pytest.mark.parametrize(
    ("dtype", "value", "no_data"),
    [("uint8", 0, None), ("uint8", 0, 0), ("uint16", 7, 7), ("float32", math.nan, None), ("float32", -9999, -9999)],
)
def test_an_image_without_any_data_is_no_data_everywhere_whatever_its_size(
    tmp_path: Path, shape: tuple[int, int], dtype: str, value: float, no_data: float | None
) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "height": shape[0], "width": shape[1], "count": 1, "dtype": dtype, "nodata": no_data}
    pixels = np.full(shape, value, dtype)
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels, 1)
    assert read_sar(path).no_data().all() and of_scene(path, tmp_path, MIN_AREA).all()
    if shape != (1, 1):  # one pixel of data: the others are too few to be no data, unless they are declared
        pixels[0, 0] = 50
        with rasterio.open(path, "w", **profile) as file:
            file.write(pixels, 1)
        declared = math.isnan(value) or (value == no_data and value != 0) or pixels.size > MIN_AREA
        expected = np.full(shape, declared)
        expected[0, 0] = False
        np.testing.assert_array_equal(read_sar(path).no_data(), expected)
        np.testing.assert_array_equal(of_scene(path, tmp_path, MIN_AREA), expected)
