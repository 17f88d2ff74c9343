"""Which of the tiles with manual labels count."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from landcover.data_sets.tile_choice import chosen_names


def labelled_names(
    which: str,
    training: Mapping[str, Path],
    labelled: Collection[str],
    seed: int = 0,
    elsewhere: Mapping[str, str] | None = None,
) -> list[str]:
    """Names of the tiles whose manual labels count, in the order of `training`.

    Args:
        which: a share of the tiles with manual labels, or a list of names, see `chosen_names`.
        training: image by name of the training tile.
        labelled: names of the training tiles that have manual labels, at least one.
        seed: of the draw of a share.
        elsewhere: names of tiles that are not for training, with the split that they are of, for the message.

    Raises:
        InputError: as `chosen_names`, or a list names a tile without manual labels or one that is not for training.
    """
    images = {name: path for name, path in training.items() if name in labelled}
    bare = "which has no label file in MANUAL_LABELS; add the file or take the line out"
    others = dict.fromkeys(set(training) - set(labelled), bare)
    others |= {
        name: f"which is of {split}, no training tile: it is scored or predicted; take the line out"
        for name, split in (elsewhere or {}).items()
    }
    return chosen_names(which, images, seed, "LABELLED_TILES", others)
