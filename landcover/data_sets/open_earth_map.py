"""OpenEarthMap as published: labelled optical tiles, listed in text files, in one folder per region."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from landcover.errors import InputError


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
    and `<root>/<region>/labels/<region>_<n>.tif`. The tiles derived from xBD are not part of the download, although the
    lists name them.

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
    for file_name in _listed_names(root, splits):
        tile = _tile(root, file_name)
        if not tile.image.is_file():
            missing.append(file_name)
        elif not tile.labels.is_file():
            raise InputError(f"{tile.labels}: expected the labels of {tile.image}, found no file; download it again")
        else:
            tiles.append(tile)
    if not tiles:
        raise InputError(
            f"{root}: none of the {len(missing)} images of {_list_names(splits)} is on disk (first: "
            f"{_tile(root, missing[0]).image}); set OEM_ROOT to the folder that holds the region folders"
        )
    return tiles, missing


def _listed_names(root: Path, splits: Sequence[str]) -> list[str]:
    """File names of all lists, each once, in order."""
    names: dict[str, None] = {}
    for split in splits:
        path = root / f"{split}.txt"
        if not path.is_file():
            raise InputError(f"{path}: expected a list of file names, found no file; set OEM_ROOT to its folder")
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except UnicodeDecodeError:
            raise InputError(f"{path}: expected a text file with one file name per line; download it again") from None
        for number, line in enumerate(lines, start=1):
            if name := line.strip():
                _check_name(name, f"{path}, line {number}")
                names[name] = None
    if not names:
        raise InputError(f"{root}: expected file names in {_list_names(splits)}, found none; download the lists again")
    return list(names)


def _check_name(name: str, where: str) -> None:
    region, separator, number = Path(name).stem.rpartition("_")
    if Path(name).name != name or not (region and separator and number):
        raise InputError(f"{where}: expected a file name like region_12.tif, found {name!r}; correct the line")


def _tile(root: Path, file_name: str) -> LabelledTile:
    stem = Path(file_name).stem
    folder = root / stem.rpartition("_")[0]
    return LabelledTile(stem, folder / "images" / file_name, folder / "labels" / file_name)


def _list_names(splits: Sequence[str]) -> str:
    return ", ".join(f"{split}.txt" for split in splits)
