"""Optical-SAR pairs and SAR tiles in the folder layout of OpenEarthMap-SAR (DFC 2025 Track 1), and their truth apart.

The optical image, the published labels and the truth of a training pair share one grid; its SAR image lies 1 to 3
pixels off. Both images of a pair carry the same georeferencing, as if nobody had noticed. Truth of validation and test
tiles, and a second one of training tiles, is on the grid of the SAR image, and unknown (0) where that has no data.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID
from landcover.demo_scenes.appearance import Appearance, appearance
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.demo_scenes.layout import CITY, SUBURB, lay_out
from landcover.demo_scenes.looks import LATE_AUTUMN
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.random_labels import random_labels
from landcover.demo_scenes.sar import draw_sensor, no_data_wedge, render_sar
from landcover.demo_scenes.scene import GROUND_SAMPLE_DISTANCE, Scene
from landcover.demo_scenes.seeding import tile_generator
from landcover.demo_scenes.sizes import DemoSizes
from landcover.demo_scenes.systematic_labels import systematic_labels
from landcover.images.grid import Georeference
from landcover.images.raster import write_raster
from landcover.run_files.atomic import write_json

EPSG = {"train": 32654, "val": 32654, "test": 32631}

WEDGE_EVERY = 5
"""One SAR tile in so many has a no-data wedge: those whose index is 1 modulo this."""


def write_target_train(
    root: Path, truth: Path, seed: int, sizes: DemoSizes, source: Sequence[Appearance]
) -> Iterator[str]:
    """Writes the training pairs below `root/train`, their truth on both grids and shifts below `truth/train`.

    Yields their names.

    Published labels are those of a classifier that knows `source`; labels with errors drawn by chance go to
    `truth/train/random_labels`.
    """
    shifts, target = {}, []
    for index in range(sizes.target_train):
        rng = tile_generator(seed, "target_train", index)
        name = f"TrainArea_{index + 1:03d}"
        scene = lay_out(rng, sizes.tile, sizes.tile, CITY if index % 3 else SUBURB)
        grid, image = _grid("train", index, sizes), render_optical(scene, LATE_AUTUMN, rng)
        write_raster(root / "train" / "rgb_images" / f"{name}.tif", image, grid)
        shift, no_data = _write_sar(root / "train" / "sar_images" / f"{name}.tif", scene, index, grid, True, rng)
        shifts[name] = list(shift)
        labels = np.ascontiguousarray(scene.crop(scene.labels))
        write_raster(truth / "train" / "labels" / f"{name}.tif", labels)
        on_sar_grid = np.where(no_data, VOID, _labels_moved(scene, shift)).astype(np.uint8)
        write_raster(truth / "train" / "sar_grid_labels" / f"{name}.tif", on_sar_grid)
        by_chance = random_labels(labels, scene.crop(scene.ids), scene.objects.variant, rng)
        write_raster(truth / "train" / "random_labels" / f"{name}.tif", by_chance)
        target.append(appearance(scene, image, tile_generator(seed, "target_pieces", index)))
        yield name
    for name, labels in zip(shifts, systematic_labels(source, target), strict=True):
        write_raster(root / "train" / "labels" / f"{name}.tif", labels)
    write_json(truth / "train" / "shifts.json", shifts)


def write_target_split(
    root: Path, truth: Path, split: Literal["val", "test"], seed: int, sizes: DemoSizes
) -> Iterator[str]:
    """Writes the SAR tiles of a split below `root/<split>` and their truth below `truth/<split>`; yields names."""
    count, prefix = (sizes.target_val, "ValArea") if split == "val" else (sizes.target_test, "TestArea")
    for index in range(count):
        rng = tile_generator(seed, "target_val" if split == "val" else "target_test", index)
        name = f"{prefix}_{index + 1:03d}"
        scene = lay_out(rng, sizes.tile, sizes.tile, CITY if index % 3 else SUBURB)
        path = root / split / "sar_images" / f"{name}.tif"
        _, no_data = _write_sar(path, scene, index, _grid(split, index, sizes), False, rng)
        labels = np.where(no_data, VOID, scene.crop(scene.labels)).astype(np.uint8)
        write_raster(truth / split / "labels" / f"{name}.tif", labels)
        yield name


def _write_sar(
    path: Path, scene: Scene, index: int, grid: Georeference, misregistered: bool, rng: np.random.Generator
) -> tuple[tuple[float, float], NDArray[np.bool_]]:
    """Writes the SAR image; returns its (y, x) shift and where it has no data."""
    sensor = draw_sensor(rng, misregistered)
    amplitude = render_sar(scene, sensor, rng)
    no_data = np.zeros(amplitude.shape, np.bool_)
    if index % WEDGE_EVERY == 1:
        no_data = no_data_wedge(rng, *amplitude.shape)
    write_raster(path, np.where(no_data, 0, amplitude).astype(np.uint8), grid)
    return sensor.shift, no_data


def _labels_moved(scene: Scene, shift: tuple[float, float]) -> NDArray[np.uint8]:
    """True labels (H, W) of a SAR image that lies `shift` (y, x) pixels off: those nearest to its pixels' centres."""
    down, right = (-int(np.floor(0.5 - distance)) for distance in shift)
    return scene.crop(np.roll(scene.labels, (down, right), axis=(0, 1)))  # what comes round stays in the margin


def _grid(split: str, index: int, sizes: DemoSizes) -> Georeference:
    """Georeferencing of a tile: tiles of a split lie in rows of ten, apart from each other."""
    step = 2 * sizes.tile * GROUND_SAMPLE_DISTANCE
    origin = {"train": 300_000, "val": 420_000, "test": 350_000}[split]
    easting, northing = origin + step * (index % 10), 3_900_000 - step * (index // 10)
    return utm_georeference(EPSG[split], easting, northing, GROUND_SAMPLE_DISTANCE)
