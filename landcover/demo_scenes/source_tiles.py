"""Labelled optical tiles in the folder layout of OpenEarthMap."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from landcover.classes import VOID
from landcover.demo_scenes.appearance import Appearance, appearance
from landcover.demo_scenes.geotiff import utm_georeference
from landcover.demo_scenes.layout import CITY, COUNTRYSIDE, SUBURB, lay_out
from landcover.demo_scenes.looks import DRY_SEASON, SPRING, SUMMER
from landcover.demo_scenes.optical import render_optical
from landcover.demo_scenes.scene import GROUND_SAMPLE_DISTANCE, Scene
from landcover.demo_scenes.seeding import tile_generator
from landcover.demo_scenes.sizes import DemoSizes
from landcover.images.raster import write_raster
from landcover.run_files.atomic import write_text

REGIONS = (
    ("northvale", COUNTRYSIDE, SUMMER),
    ("lake_county", SUBURB, SUMMER),
    ("eastport", CITY, SUMMER),
    ("campo_seco", COUNTRYSIDE, DRY_SEASON),
    ("marshfield", SUBURB, SPRING),
    ("puerto_claro", CITY, DRY_SEASON),
)
"""Made-up regions and how they look: OpenEarthMap has 97 regions in 44 countries. Some have an underscore, as names of
real ones may."""

UNKNOWN_SHARE = 0.2
"""Share of the tiles in which one object is labelled unknown."""


def write_source(root: Path, seed: int, sizes: DemoSizes, seen: list[Appearance]) -> Iterator[str]:
    """Writes images, labels and lists below `root`; yields the name of every tile once it is there.

    Training tiles are appended to `seen`.
    """
    splits: tuple[tuple[Literal["source_train", "source_val"], str, int], ...] = (
        ("source_train", "train.txt", sizes.source_train),
        ("source_val", "val.txt", sizes.source_val),
    )
    for split, list_name, count in splits:
        names = []
        for index in range(count):
            name, scene, image = _write_tile(root, seed, sizes, split, index)
            if split == "source_train":
                seen.append(appearance(scene, image, tile_generator(seed, "source_pieces", index)))
            names.append(name)
            yield name
        write_text(root / list_name, "".join(f"{name}\n" for name in names))


def _write_tile(
    root: Path, seed: int, sizes: DemoSizes, split: Literal["source_train", "source_val"], index: int
) -> tuple[str, Scene, NDArray[np.uint8]]:
    rng = tile_generator(seed, split, index)
    place = index % len(REGIONS)
    region, style, look = REGIONS[place]
    # numbers of the validation tiles start at 901: a name must not depend on how many training tiles there are
    number = index // len(REGIONS) + (1 if split == "source_train" else 901)
    name = f"{region}_{number}.tif"
    scene = lay_out(rng, *sizes.source_shape(index), style)
    step = 2 * sizes.tile * GROUND_SAMPLE_DISTANCE
    georeference = utm_georeference(32633, 400_000 + 50_000 * place + step * number, 5_600_000, GROUND_SAMPLE_DISTANCE)
    image = render_optical(scene, look, rng)
    write_raster(root / region / "images" / name, image, georeference)
    write_raster(root / region / "labels" / name, _labels(scene, rng))
    return name, scene, image


def _labels(scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """True labels without the margin; in some tiles one object is unknown, as in OpenEarthMap."""
    labels, ids = scene.crop(scene.labels), scene.crop(scene.ids)
    unknown = ids == ids[rng.integers(ids.shape[0]), rng.integers(ids.shape[1])]
    if rng.random() >= UNKNOWN_SHARE or unknown.mean() > 0.2:
        return np.ascontiguousarray(labels)
    return np.where(unknown, VOID, labels).astype(np.uint8)
