"""ISPRS 2D semantic labelling, Potsdam and Vaihingen: large labelled orthophotos of two cities."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError, shorten

Split = Literal["train", "test"]
Bands = Literal["irrg", "rgb"]


@dataclass(frozen=True)
class City:
    """What the files of one city are called.

    Args:
        name: of the city.
        areas: those of each split, with spaces between them.
        images: by bands, pattern of the image files with the area in its group.
        labels: pattern of the label files with the area in its first group, and in its second one what tells that
            borders of objects are left out.
        archives: by bands, where the images come from.
        image_folder: the folder that holds images alone, where images and labels have the same names.
    """

    name: str
    areas: dict[Split, str]
    images: dict[Bands, str]
    labels: str
    archives: dict[Bands, str]
    image_folder: str = ""


POTSDAM = City(
    "Potsdam",
    {
        "train": "2_10 2_11 2_12 3_10 3_11 3_12 4_10 4_11 4_12 5_10 5_11 5_12 "
        "6_7 6_8 6_9 6_10 6_11 6_12 7_7 7_8 7_9 7_10 7_11 7_12",
        "test": "2_13 2_14 3_13 3_14 4_13 4_14 4_15 5_13 5_14 5_15 6_13 6_14 6_15 7_13",
    },
    {bands: rf"top_potsdam_(\d+_\d+)_{bands}\.tiff?" for bands in ("irrg", "rgb")},
    r"top_potsdam_(\d+_\d+)_label(_noBoundary)?\.tiff?",
    {"irrg": "3_Ortho_IRRG.zip", "rgb": "2_Ortho_RGB.zip"},
)
VAIHINGEN = City(
    "Vaihingen",
    {
        "train": "1 3 5 7 11 13 15 17 21 23 26 28 30 32 34 37",
        "test": "2 4 6 8 10 12 14 16 20 22 24 27 29 31 33 35 38",
    },
    {"irrg": r"top_mosaic_09cm_area(\d+)\.tiff?"},
    r"top_mosaic_09cm_area(\d+)(_noBoundary)?\.tiff?",
    {"irrg": "ISPRS_semantic_labeling_Vaihingen.zip"},
    image_folder="top",
)


def isprs_tiles(root: Path, split: Split, city: City, bands: Bands) -> list[LabelledTile]:
    """The areas of one split, each an image and its labels, in the order of the areas.

    Files are found by their names, in whatever folders below `root` the archives were unpacked to: of Potsdam
    `2_Ortho_RGB/top_potsdam_2_10_RGB.tif`, `3_Ortho_IRRG/top_potsdam_2_10_IRRG.tif` and
    `5_Labels_all/top_potsdam_2_10_label.tif`, of Vaihingen `top/top_mosaic_09cm_area1.tif` and
    `gts_for_participants/top_mosaic_09cm_area1.tif`, or the same from
    `ISPRS_semantic_labeling_Vaihingen_ground_truth_COMPLETE`. Where an area also has labels whose names end in
    `_noBoundary` these are taken: three pixels at borders of objects are unknown in them, and the benchmark and work
    on domain adaptation score on them.

    Splits are those of the contest (https://www.isprs.org/education/benchmarks/UrbanSemLab/), which mmsegmentation
    and torchgeo use too. ST-DASegNet (Zhao, Lyu et al., JAG 2024, https://arxiv.org/abs/2301.05526) keeps Potsdam's,
    but scores on areas 2, 5, 7, 8, 13, 20, 22 and 24 of Vaihingen and adapts to the others.

    Args:
        root: any folder above both.
        split: part of the data set.
        city: which data set.
        bands: three bands of the images, infrared, red and green or red, green and blue.

    Raises:
        InputError: the folder, or an image or label file of an area of the split, is missing.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: expected the folder of ISPRS {city.name}, found none; set OEM_ROOT (source) or DFC_ROOT (target) "
            "to it"
        )
    files = sorted(_files_below(root))
    images = _by_area([path for path in files if _may_be_image(path, city)], city.images[bands])
    areas = city.areas[split].split()
    lacking = [area for area in areas if area not in images]
    if lacking:
        raise InputError(
            f"{root}: expected {bands.upper()} images of the {len(areas)} {split} areas of {city.name}, found none of "
            f"{len(lacking)} ({shorten(lacking)}){_other_bands(files, city, bands)}; unpack {city.archives[bands]} "
            "there"
        )
    labels = _by_area([path for path in files if path.parent.name.lower() != city.image_folder], city.labels)
    lacking = [area for area in areas if area not in labels]
    if lacking:
        raise InputError(
            f"{root}: expected labels of the {len(areas)} {split} areas of {city.name}, found none of {len(lacking)} "
            f"({shorten(lacking)}); unpack the labels of all areas there, those for participants lack the test areas"
        )
    return [LabelledTile(images[area].stem, images[area], labels[area]) for area in areas]


def _files_below(root: Path) -> Iterator[Path]:
    """All files but hidden ones."""
    for folder, folders, names in os.walk(root, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (Path(folder) / name for name in names if not name.startswith("."))


def _may_be_image(path: Path, city: City) -> bool:
    return not city.image_folder or path.parent.name.lower() == city.image_folder


def _by_area(files: list[Path], pattern: str) -> dict[str, Path]:
    """Files of a pattern by area; of several of an area one without borders, of equal ones the first."""
    found: dict[str, tuple[bool, Path]] = {}
    for path in files:
        if match := re.fullmatch(pattern, path.name, re.IGNORECASE):
            with_borders = match.lastindex == 1
            if match[1] not in found or found[match[1]][0] > with_borders:
                found[match[1]] = with_borders, path
    return {area: path for area, (_, path) in found.items()}


def _other_bands(files: list[Path], city: City, bands: Bands) -> str:
    others = [name for name, pattern in city.images.items() if name != bands and _by_area(files, pattern)]
    return f" but {others[0].upper()} images" if others else ""
