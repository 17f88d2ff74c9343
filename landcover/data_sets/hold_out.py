"""Training tiles held out for validation by place, because neighbouring tiles overlap."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landcover.data_sets.tile_groups import GROUPINGS
from landcover.errors import InputError


@dataclass(frozen=True)
class HeldOut:
    """Which tiles train and which validate.

    Args:
        training: positions of the training tiles, ascending.
        held_out: positions of the validation tiles, ascending; every tile is in one of the two.
        by: what told which tiles belong together: `footprint`, `region` or `random`.
        groups: number of groups that could be held out independently.
        note: one line for the user.
    """

    training: tuple[int, ...]
    held_out: tuple[int, ...]
    by: str
    groups: int
    note: str


def hold_out(images: Sequence[Path], share: float, by: str = "auto", seed: int = 0) -> HeldOut:
    """Splits tiles so that no held-out tile shares ground with a training tile.

    Tiles fall into groups that stay together, and groups are shuffled by `seed`. As many tiles are held out as groups
    can make up nearest to `share` of all, but no more than half; of two numbers equally near the smaller one. They come
    from the shortest beginning of the shuffled groups that allows it. The result depends on seed, file names and
    places, not on the order of `images` or their folder. The balance of classes is not looked at: labels are noisy.

    Roberts et al.: Cross-validation strategies for data with temporal, spatial, hierarchical, or phylogenetic
    structure, Ecography 2017, https://doi.org/10.1111/ecog.02881, on why random splits of neighbours flatter.

    Args:
        images: files of the tiles; labels often have lost their georeferencing.
        share: of the tiles to hold out, in (0, 0.5].
        by: `footprint`, chains of images that overlap on the ground; `region`, names `<region>_<number>`; `random`,
            every tile is a group; `auto`, footprints if every image is georeferenced and not all lie at one place,
            otherwise regions if the names tell two or more.
        seed: of the draw.

    Raises:
        InputError: an option is out of its range, an image is missing or damaged, nothing tells where the tiles lie,
            or the groups allow less than half or more than twice of what is wanted (one tile is always allowed).
    """
    if not isinstance(share, Real) or isinstance(share, bool) or not 0 < share <= 0.5:
        raise InputError(f"HOLD_OUT: expected a share above 0 and up to 0.5, found {share!r}; 0.1 is usual")
    if by != "auto" and by not in GROUPINGS:
        raise InputError(f"HOLD_OUT_BY: expected auto, {', '.join(GROUPINGS)}, found {by!r}; correct it")
    if len(images) < 2:
        raise InputError(f"HOLD_OUT: expected two tiles or more to split, found {len(images)}; check the data root")
    order = sorted(range(len(images)), key=lambda position: (images[position].stem, str(images[position])))
    by, groups = _groups([images[position] for position in order], by)
    drawn = _draw(np.bincount(groups), share, by, seed)
    held_out = sorted(order[index] for index in np.flatnonzero(np.isin(groups, drawn)))
    training = sorted(set(order).difference(held_out))
    number = int(groups.max()) + 1
    return HeldOut(
        tuple(training), tuple(held_out), by, number, _note(len(held_out), len(images), len(drawn), number, by)
    )


def _groups(images: Sequence[Path], by: str) -> tuple[str, NDArray[np.int64]]:
    """What told the groups, and the number (N,) of each image's group."""
    reasons = []
    for name in ("footprint", "region") if by == "auto" else (by,):
        groups = GROUPINGS[name](images)
        if not isinstance(groups, str):
            return name, groups
        reasons.append(groups)
    raise InputError(
        f"HOLD_OUT_BY={by}: expected to learn where the {len(images)} tiles lie, found {' and '.join(reasons)}; "
        "if tiles do not overlap, pass HOLD_OUT_BY=random"
    )


def _draw(sizes: NDArray[np.int64], share: float, by: str, seed: int) -> NDArray[np.int64]:
    """Groups to hold out, of `sizes` (G,) tiles."""
    tiles = int(sizes.sum())
    if len(sizes) < 2:
        raise InputError(
            f"HOLD_OUT: expected two groups of tiles or more (HOLD_OUT_BY={by}), found all {tiles} tiles in one; "
            "validate on other tiles, or pass HOLD_OUT_BY=random and expect a score that is too good"
        )
    order = np.random.default_rng(seed).permutation(len(sizes))
    # Bit n of possible[k] says that some of the first k groups have n tiles together.
    possible = [1]
    for size in sizes[order].tolist():
        possible.append(possible[-1] | possible[-1] << size)
    wanted = share * tiles
    nearest = min((n for n in range(1, tiles // 2 + 1) if possible[-1] >> n & 1), key=lambda n: abs(n - wanted))
    if not wanted / 2 <= nearest <= max(2 * wanted, 1):
        raise InputError(
            f"HOLD_OUT={share:g}: expected to hold out about {wanted:.0f} of {tiles} tiles, found {len(sizes)} groups "
            f"(HOLD_OUT_BY={by}; the largest has {sizes.max()}) that allow {nearest} at best; "
            f"pass HOLD_OUT={nearest / tiles:.2g}"
        )
    drawn, missing = [], nearest
    for k in range(len(sizes), 0, -1):
        if not possible[k - 1] >> missing & 1:  # not without the k-th
            drawn.append(order[k - 1])
            missing -= int(sizes[order[k - 1]])
    return np.array(drawn)


def _note(held_out: int, tiles: int, drawn: int, groups: int, by: str) -> str:
    note = f"{held_out} of {tiles} tiles held out"
    if by == "footprint":
        return f"{note}: {drawn} of {groups} groups of overlapping footprints"
    if by == "region":
        return f"{note}: {drawn} of {groups} regions"
    return f"warning: {note} tile by tile; where they overlap training tiles, the score is too good"
