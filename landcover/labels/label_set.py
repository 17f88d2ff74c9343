"""Label sets: label files of one origin for the same tiles."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.classes import OPEN_EARTH_MAP, ClassScheme
from landcover.data_sets.dfc2025 import SarTile, sar_grid_labels, truth_labels
from landcover.errors import InputError, shorten
from landcover.images.label_file import read_labels
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem
from landcover.images.same_grid import check_same_grid
from landcover.run_files.manifest import FINISHED, UNFINISHED, digest_all, read_manifest

QUALITY_NAME = "quality.json"
"""What a stage that writes label files leaves beside them, see `landcover.labels.quality`."""

PUBLISHED = "published"
"""Name of the label files that come with the data set."""


@dataclass(frozen=True)
class LabelSet:
    """Label files of one origin.

    Args:
        name: what manifests and tables call it.
        files: label file by tile name, at least one, all in one folder.
        scheme: their classes.
    """

    name: str
    files: Mapping[str, Path]
    scheme: ClassScheme = OPEN_EARTH_MAP

    @property
    def folder(self) -> Path:
        """Where the files are."""
        return next(iter(self.files.values())).parent

    def read(self, tile: str) -> NDArray[np.uint8]:
        """Label map (H, W), uint8, 0 = unknown, of one tile."""
        return read_labels(self.files[tile], self.scheme)

    def only(self, tiles: Iterable[str]) -> LabelSet:
        """The same set without the files of other tiles."""
        return replace(self, files={tile: self.files[tile] for tile in tiles if tile in self.files})

    def digest(self) -> str:
        """One SHA-256 over all files."""
        return digest_all(self.files[tile] for tile in sorted(self.files))


def label_set(option: str, scheme: ClassScheme = OPEN_EARTH_MAP) -> LabelSet:
    """Label files `<tile>.tif` (or .png) of `NAME=FOLDER` or `FOLDER`; without a name, the folder's last two parts.

    Raises:
        InputError: the folder is missing or holds no label file, or two of one tile.
    """
    name, equals, place = option.partition("=")
    if not equals or "/" in name:
        name, place = "", option
    folder = Path(place)
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of label files, found none; check the path")
    files = files_by_stem(folder, LABEL_SUFFIXES)
    if not files:
        raise InputError(f"{folder}: expected label files <tile>.tif or .png, found none; check the path")
    return LabelSet(name or "/".join(folder.resolve().parts[-2:]), files, scheme)


def label_files(folder: Path, cure: str, scheme: ClassScheme = OPEN_EARTH_MAP) -> dict[str, Path]:
    """Label files of a folder by tile name: of a stage that has finished, or of anybody.

    Args:
        folder: where they are.
        cure: what the user can do where there are none, for the message.
        scheme: the classes that they must have.

    Raises:
        InputError: the folder is missing, unfinished or of another class scheme.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: expected a folder of label files, found none; {cure}")
    if (folder / UNFINISHED).exists():
        raise InputError(
            f"{folder}: expected label files of a finished stage, found {UNFINISHED}; run that stage again"
        )
    files = files_by_stem(folder, LABEL_SUFFIXES)
    if not (folder / FINISHED).exists():
        return files
    manifest = read_manifest(folder / FINISHED)
    found = manifest["made_by"].get("scheme", OPEN_EARTH_MAP.name)
    if found != scheme.name:
        raise InputError(
            f"{folder / FINISHED}: expected labels of the class scheme {scheme.name}, found {found}; "
            "choose labels of these classes, or set CLASSES"
        )
    listed = {row["name"] for row in manifest["files"]}
    return {stem: path for stem, path in files.items() if path.name in listed}


def published_labels(tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP) -> LabelSet | None:
    """The label files that come with training tiles, None if the data set has none."""
    files = {tile.name: tile.labels for tile in tiles if tile.labels}
    return LabelSet(PUBLISHED, files, scheme) if files else None


def manual_labels(truth_root: Path, tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP) -> LabelSet | None:
    """Manual labels of training tiles, on the optical image; None if there are none.

    Files that came with the tiles are no truth.

    Args:
        truth_root: folder with `train/labels`.
        tiles: training tiles.
        scheme: classes of the files.
    """
    known = {tile.name for tile in tiles}
    published = {tile.labels.resolve() for tile in tiles if tile.labels}
    files = {name: path for name, path in truth_labels(truth_root, "train").items() if name in known}
    if not files or published & {path.resolve() for path in files.values()}:
        return None
    return LabelSet(f"manual labels of {len(files)} train tiles", files, scheme)


def sar_grid_truth(truth_root: Path, tiles: Sequence[SarTile], scheme: ClassScheme = OPEN_EARTH_MAP) -> LabelSet | None:
    """Manual labels of training tiles on the SAR image, None if there are none.

    Args:
        truth_root: folder with `train/sar_grid_labels`.
        tiles: training tiles.
        scheme: classes of the files.
    """
    known = {tile.name for tile in tiles}
    files = {name: path for name, path in sar_grid_labels(truth_root).items() if name in known}
    return LabelSet(f"manual labels of {len(files)} train tiles on the SAR images", files, scheme) if files else None


def check_names(sets: Sequence[LabelSet]) -> None:
    """Raises `InputError` if two sets have one name."""
    names = [labels.name for labels in sets]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise InputError(f"two label sets are called {twice[0]}; name one of them otherwise: NAME=FOLDER")


def check_tiles(labels: LabelSet, images: Mapping[str, Path]) -> None:
    """Raises `InputError` unless `labels` has a file for every image; only names are compared."""
    missing = sorted(set(images) - set(labels.files))
    if missing:
        raise InputError(
            f"{labels.folder}: expected a label file for each of {len(images)} tiles, found none for {len(missing)} "
            f"({shorten(missing)}); complete the set {labels.name} or leave it out"
        )


def check_grids(labels: LabelSet, images: Mapping[str, Path]) -> None:
    """Raises `InputError` unless every label file lies on the grid of the image of that tile; only headers are read."""
    for name, path in labels.files.items():
        if name in images:
            check_same_grid(path, images[name])
