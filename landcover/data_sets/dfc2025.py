"""OpenEarthMap-SAR as published for DFC2025 Track 1: SAR tiles, with optical images for training only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from landcover.errors import InputError
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem, image_files, spelt_otherwise
from landcover.images.modality import ImageFile, Modality

Split = Literal["train", "val", "test"]


@dataclass(frozen=True)
class SarTile:
    """A SAR image and what belongs to it.

    Args:
        name: file name without suffix, unique in its split.
        sar: one-band file.
        optical: RGB uint8 file of the same size; always there in `train`.
        labels: label file of the same size, 0 = unknown, 1..C = classes.
    """

    name: str
    sar: Path
    optical: Path | None
    labels: Path | None

    def image(self, modality: Modality) -> ImageFile:
        """What a network of this modality reads of the tile.

        Raises:
            InputError: there is no optical image.
        """
        if modality == "sar":
            return self.sar
        if self.optical is None:
            raise InputError(
                f"{self.sar}: expected an optical image of the same name in rgb_images, found none; a network that "
                f"reads {modality} can not be used on this tile"
            )
        return self.optical if modality == "optical" else {"optical": self.optical, "sar": self.sar}


def dfc2025_tiles(root: Path, split: Split) -> list[SarTile]:
    """Tiles of `<root>/<split>/{sar_images,rgb_images,labels}`, sorted by name.

    Folder names match in any case (the published archives differ), files end in .tif or .tiff in any case.

    Xia, Chen, Broni-Bediako, Wei, Song, Yokoya: OpenEarthMap-SAR, 2025, https://arxiv.org/abs/2501.10891.

    Args:
        root: folder of the data set.
        split: in `train` every tile has an optical image, and labels if there is a label folder; in `val` and `test`
            both are optional for each tile.

    Raises:
        InputError: the folder is missing or empty, two files have one name, or a tile of `train` is incomplete.
    """
    if not root.is_dir():
        raise InputError(f"{root}: expected the OpenEarthMap-SAR folder, found none; set DFC_ROOT to it")
    folder = root / split
    sar_folder = _folder(root, split, "sar_images")
    if sar_folder is None:
        raise InputError(f"{folder / 'sar_images'}: expected a folder of SAR tiles, found none; set DFC_ROOT")
    sar = image_files(sar_folder, "SAR tiles", "set DFC_ROOT or unpack the data set")
    optical_folder, labels_folder = _folder(root, split, "rgb_images"), _folder(root, split, "labels")
    optical = files_by_stem(optical_folder) if optical_folder else {}
    labels = files_by_stem(labels_folder, LABEL_SUFFIXES) if labels_folder else {}
    if split == "train":
        optical_folder = optical_folder or folder / "rgb_images"
        require_partners(sar, optical, optical_folder, "optical image")
        require_partners(optical, sar, sar_folder, "SAR image")
        if labels_folder:
            require_partners(sar, labels, labels_folder, "label file")
    return [SarTile(name, path, optical.get(name), labels.get(name)) for name, path in sar.items()]


def truth_labels(root: Path, split: Split) -> dict[str, Path]:
    """Label files `<root>/<split>/labels/<name>.tif` (or .png) by tile name, sorted; empty without that folder.

    Args:
        root: a folder laid out like the data set; the manual labels of `val` and `test` were published separately.
        split: part of the data set.
    """
    folder = _folder(root, split, "labels")
    return files_by_stem(folder, LABEL_SUFFIXES) if folder else {}


def sar_grid_labels(root: Path) -> dict[str, Path]:
    """Label files `<root>/train/sar_grid_labels/<name>.tif` (or .png) by tile name, sorted; empty without that folder.

    Args:
        root: as of `truth_labels`. Those of `train` lie on the optical images, which may be off from the SAR images;
            these lie on the SAR images.
    """
    folder = _folder(root, "train", "sar_grid_labels")
    return files_by_stem(folder, LABEL_SUFFIXES) if folder else {}


def require_partners(
    files: Mapping[str, Path],
    partners: Mapping[str, Path],
    folder: Path,
    what: str,
    cure: str = "unpack the data set again, or set DFC_ROOT to a complete copy",
) -> None:
    """Raises `InputError` naming the first of `files` without a partner of the same stem in `folder`."""
    alone = [path for stem, path in files.items() if stem not in partners]
    if not alone:
        return
    others = f" (and {len(alone) - 1} more files without one)" if len(alone) > 1 else ""
    expected = f"{alone[0]}: expected its {what} {folder / alone[0].stem}.tif"
    meant = spelt_otherwise(alone[0].stem, partners)
    if meant:
        name = partners[meant].name
        raise InputError(f"{expected}, found {name}{others}; rename one of them, so that both are spelt alike")
    raise InputError(f"{expected}, found none{others}; {cure}")


def _folder(root: Path, *parts: str) -> Path | None:
    """The folder `root/parts[0]/...` with names compared in any case, None if there is none."""
    for part in parts:
        if not root.is_dir():
            return None
        found = sorted(path for path in root.iterdir() if path.name.lower() == part and path.is_dir())
        if len(found) > 1:
            names = " and ".join(path.name for path in found)
            raise InputError(f"{root}: expected one folder {part}, found {names}; keep one of them")
        if not found:
            return None
        root = found[0]
    return root
