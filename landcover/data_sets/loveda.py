"""LoveDA as published: optical tiles of three cities, rural and urban, with labels but for the test part."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from landcover.data_sets.open_earth_map import LabelledTile
from landcover.errors import InputError, shorten
from landcover.images.listing import LABEL_SUFFIXES, files_by_stem, in_any_case

Split = Literal["train", "val"]
Landscape = Literal["rural", "urban"]


def loveda_tiles(root: Path, split: Split, landscape: Landscape) -> list[LabelledTile]:
    """Tiles of `<root>/<Train|Val>/<Rural|Urban>/{images_png,masks_png}/<n>.png`, in the order of their numbers.

    Folders match in any case. The masks of `Test` are not public: the benchmark's server scores maps of its images.

    Wang, Zheng, Ma, Lu, Zhong: LoveDA, NeurIPS Datasets and Benchmarks 2021, https://arxiv.org/abs/2110.08733; folders
    as unpacked from https://zenodo.org/records/5706578. The authors' benchmark of domain adaptation learns from `Train`
    of one landscape and adapts to the unlabelled images of `Val` of the other one.

    Args:
        root: folder of the data set.
        split: part of it.
        landscape: part of that.

    Raises:
        InputError: a folder is missing or empty, or an image has no mask.
    """
    if not root.is_dir():
        raise InputError(
            f"{root}: expected the LoveDA folder, found none; set OEM_ROOT (source) or DFC_ROOT (target) to it"
        )
    folder = in_any_case(in_any_case(root, split.capitalize()), landscape.capitalize())
    images = _files(in_any_case(folder, "images_png"), "images")
    masks = _files(in_any_case(folder, "masks_png"), "masks")
    lacking = [path.name for stem, path in images.items() if stem not in masks]
    if lacking:
        raise InputError(
            f"{folder / 'masks_png'}: expected a mask of every image, found none for {len(lacking)} of {len(images)} "
            f"({shorten(lacking)}); unpack {split.capitalize()}.zip again"
        )
    return [LabelledTile(stem, path, masks[stem]) for stem, path in images.items()]


def _files(folder: Path, what: str) -> dict[str, Path]:
    """Files by stem, by their numbers where they have some."""
    if not folder.is_dir():
        raise InputError(
            f"{folder}: expected a folder of {what} of LoveDA, found none; set OEM_ROOT (source) and DFC_ROOT (target) "
            "to the folder that holds Train and Val"
        )
    files = files_by_stem(folder, LABEL_SUFFIXES)
    if not files:
        raise InputError(f"{folder}: expected {what} <n>.png of LoveDA, found none; unpack the archive again")
    return dict(sorted(files.items(), key=lambda item: (not item[0].isdecimal(), len(item[0]), item[0])))
