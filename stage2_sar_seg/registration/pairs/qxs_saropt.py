"""QXS-SAROPT: pairs of Gaofen-3 and Google Earth over three port cities."""

from __future__ import annotations

from pathlib import Path

from landcover.errors import InputError
from landcover.images.listing import files_by_stem
from stage2_sar_seg.registration.pairs.image_pair import ImagePair, co_registered

SAR, OPTICAL = "sar_256_oc_0.2", "opt_256_oc_0.2"
SUFFIXES = (".png",)


def qxs_saropt_pairs(root: Path) -> list[ImagePair]:
    """Pairs of `<root>/sar_256_oc_0.2/<number>.png` and `<root>/opt_256_oc_0.2/<number>.png`, sorted by name.

    20,000 pairs of 256 x 256 pixels of 1 m. Their neighbours may overlap, and no file tells where they lie. They are
    said to be co-registered, but users show pairs that are visibly off each other
    (https://github.com/yaoxu008/QXS-SAROPT/issues/7): an error measured on them is no smaller than that of the pairs.

    Huang, Xu, Qian, Shi, Zhang, Bao: The QXS-SAROPT Dataset for Deep Learning in SAR-Optical Data Fusion, 2021,
    https://arxiv.org/abs/2103.08259.

    Raises:
        InputError: not both folders are there, they are empty, or a file is without partner.
    """
    for name in (SAR, OPTICAL):
        if not (root / name).is_dir():
            raise InputError(
                f"{root / name}: expected a folder of QXS-SAROPT, found none; pass the folder that holds {SAR} and "
                f"{OPTICAL}"
            )
    pairs = co_registered(files_by_stem(root / SAR, SUFFIXES), files_by_stem(root / OPTICAL, SUFFIXES))
    if not pairs:
        raise InputError(f"{root / SAR}: expected .png files, found none; unpack the data set again")
    return pairs
