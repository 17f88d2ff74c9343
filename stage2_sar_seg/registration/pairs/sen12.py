"""SEN1-2: pairs of Sentinel-1 and Sentinel-2 of all seasons."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.images.listing import files_by_stem
from stage2_sar_seg.registration.pairs.image_pair import ImagePair, co_registered

SUFFIXES = (".png",)


def sen12_pairs(root: Path) -> list[ImagePair]:
    """Pairs of `<root>/ROIs<number>_<season>/s1_<scene>` and `s2_<scene>`, sorted by name.

    Files are `ROIs1158_spring_s1_0_p30.png` and `ROIs1158_spring_s2_0_p30.png`, 256 x 256 pixels of 10 m: VV
    backscatter as uint8, and red, green and blue. Patches of a scene overlap by half, so that a fair split keeps scenes
    together; a pair is named as its SAR file, scene and all.

    Schmitt, Hughes, Zhu: The SEN1-2 Dataset for Deep Learning in SAR-Optical Data Fusion, ISPRS Annals 2018,
    https://arxiv.org/abs/1807.01569.

    Raises:
        InputError: no such folder, no pairs in it, or a file without partner.
    """
    sar, optical = (_files(root, kind) for kind in ("s1", "s2"))
    pairs = co_registered(sar, optical)
    if not pairs:
        raise InputError(
            f"{root}: expected the folders of SEN1-2 (ROIs1158_spring/s1_0, ROIs1158_spring/s2_0, ...) with .png"
            " files, found none; pass the folder that they are in"
        )
    return pairs


def _files(root: Path, kind: str) -> dict[str, Path]:
    """Files of all scenes by the name of the SAR file."""
    folders = [folder for folder in sorted(root.glob(f"ROIs*/{kind}_*")) if folder.is_dir()]
    return {
        stem.replace(f"_{kind}_", "_s1_", 1): path
        for folder in folders
        for stem, path in files_by_stem(folder, SUFFIXES).items()
    }
