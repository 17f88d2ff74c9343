"""OpenEarthMap as published: labelled optical tiles, listed in text files, in one folder per region."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.data_sets.name_list import listed_names, tile_name
from landcover.errors import InputError
from landcover.images.listing import (
    IMAGE_SUFFIXES,
    LABEL_SUFFIXES,
    files_by_stem,
    in_any_case,
    letters,
    spelt_otherwise,
)

PLAIN_NAME = re.compile(r"[\w.-]+_\w+(\.tiff?)?", re.IGNORECASE)
"""Names in lists whose image may be missing. Others, such as two names in a line, a path of Windows or a comment, are
believed where there is such a file."""


@dataclass(frozen=True)
class LabelledTile:
    """An optical image and its label file.

    Args:
        name: file name without suffix, unique in the data set.
        image: RGB uint8 file.
        labels: label file of the same size, 0 = unknown, 1..C = classes.
    """

    name: str
    image: Path
    labels: Path


def open_earth_map_tiles(root: Path, splits: Sequence[str]) -> tuple[list[LabelledTile], list[str]]:
    """Tiles that the lists `<root>/<split>.txt` name, in the order of the lists, each once.

    A list has one file name `<region>_<n>.tif` per line; image and labels are `<root>/<region>/images/<region>_<n>.tif`
    and `<root>/<region>/labels/<region>_<n>.tif`, on disk also as .TIF or .tiff, and in folders of another case. The
    tiles derived from xBD are not part of the download, although the lists name them.

    Xia, Yokoya, Adriano, Broni-Bediako: OpenEarthMap, WACV 2023, https://arxiv.org/abs/2210.10732.

    Args:
        root: folder of the data set.
        splits: names of lists without suffix, such as `train` and `val`.

    Returns:
        the tiles, and the file names whose image is not on disk.

    Raises:
        InputError: a list or a label file is missing, a line is not a file name of that form, or no image is on disk.
    """
    if not root.is_dir():
        raise InputError(f"{root}: expected the OpenEarthMap folder, found none; set OEM_ROOT to it")
    tiles: list[LabelledTile] = []
    missing: list[str] = []
    folders = _Folders(root)
    taken: set[Path] = set()
    for file_name, where in _listed_names(root, splits).items():
        name = tile_name(file_name)
        image = folders.find(name, "images", IMAGE_SUFFIXES)
        if image is None:
            if not PLAIN_NAME.fullmatch(file_name):
                raise InputError(
                    f"{where}: expected a file name like region_12.tif, found {file_name!r}, which is not on disk; "
                    "correct the line"
                )
            missing.append(file_name)
        elif image not in taken:  # two spellings of one name are one tile
            taken.add(image)
            tiles.append(LabelledTile(name, image, folders.labels_of(name, image)))
    if not tiles:
        first = folders.of(tile_name(missing[0]), "images") / missing[0]
        raise InputError(
            f"{root}: none of the {len(missing)} images of {_list_names(splits)} is on disk (first: {first}); "
            "set OEM_ROOT to the folder that holds the region folders"
        )
    return tiles, missing


class _Folders:
    """Files of the region folders, each of which is listed once; names may differ from the lists in case and suffix."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._listed: dict[tuple[str, str], dict[str, Path]] = {}

    def of(self, name: str, kind: str) -> Path:
        """Folder of the images or labels of a tile, whether it is there or not."""
        return in_any_case(in_any_case(self._root, name.rpartition("_")[0]), kind)

    def find(self, name: str, kind: str, suffixes: tuple[str, ...]) -> Path | None:
        """The image or label file of a tile."""
        key = name.rpartition("_")[0], kind
        if key not in self._listed:
            folder = self.of(name, kind)
            files = files_by_stem(folder, suffixes) if folder.is_dir() else {}
            # A name as the list spells it comes last and so before one that differs in case.
            self._listed[key] = {letters(stem): path for stem, path in files.items()} | files
        return self._listed[key].get(name, self._listed[key].get(letters(name)))

    def labels_of(self, name: str, image: Path) -> Path:
        """The label file of a tile, whose image is there.

        Raises:
            InputError: there is none.
        """
        labels = self.find(name, "labels", LABEL_SUFFIXES)
        if labels is not None:
            return labels
        expected = f"{self.of(name, 'labels') / name}.tif: expected the labels of {image}"
        listed = self._listed[name.rpartition("_")[0], "labels"]
        meant = spelt_otherwise(name, listed)
        if meant:
            raise InputError(f"{expected}, found {listed[meant].name}; name label files as their images")
        raise InputError(f"{expected}, found no file; download it again")


def _listed_names(root: Path, splits: Sequence[str]) -> dict[str, str]:
    """File names of all lists, each tile once, in order; and list and line of each, for messages."""
    names: dict[str, tuple[str, str]] = {}
    for split in splits:
        path = in_any_case(root, f"{split}.txt")
        if not path.is_file():
            raise InputError(f"{path}: expected a list of file names, found no file; set OEM_ROOT to its folder")
        for where, name in listed_names(path):
            _check_name(name, where)
            names.setdefault(tile_name(name), (name, where))
    if not names:
        raise InputError(f"{root}: expected file names in {_list_names(splits)}, found none; download the lists again")
    return dict(names.values())


def _check_name(name: str, where: str) -> None:
    region, separator, number = tile_name(name).rpartition("_")
    if Path(name).name != name or not (region and separator and number):
        raise InputError(f"{where}: expected a file name like region_12.tif, found {name!r}; correct the line")


def _list_names(splits: Sequence[str]) -> str:
    return ", ".join(f"{split}.txt" for split in splits)
